"""Many trap towns, each from its own seed, by hand: ``python -m tests.integration.traps.sweep 20 [records]``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from sandbox.generator.traps.stream import town
from tests.integration.traps.oracle import differences, expected, found, settle, trap_context


def sweep(seeds: int, records: int) -> int:
    """How many towns came out otherwise than they were meant."""
    wrong_towns = 0
    for seed in range(1, seeds + 1):
        sent = town(records, seed)
        with tempfile.TemporaryDirectory(prefix="rules-traps-") as folder:
            context = trap_context(f"sqlite:///{folder}/traps.db", Path(folder))
            settle(context, sent)
            wrong = differences(expected(sent), found(context))
            context.store.close()
        wrong_towns += bool(wrong)
        print(f"seed {seed}: {records} records, {len(wrong)} differ {wrong[:3]}", flush=True)
    return wrong_towns


if __name__ == "__main__":
    sys.exit(1 if sweep(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10_000) else 0)
