"""Take the rules out one after the other and see that a check of the book notices: ``make mutate-rules``.

Every mutant lives in a process of its own, which gets one changed data file or one changed module and runs the book
until a check fails. The run is exhaustive; ``--only TEXT`` takes those whose description holds it, ``--write`` puts
the figures into docs/规则核对.md. Survivors end it with 1, but for those that ``UNDECIDABLE`` explains.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.rules.mutants import Mutant, Unchanged
from tests.rules.mutants_of_code import code_mutants
from tests.rules.mutants_of_data import data_mutants
from tests.rules.undecidable import UNDECIDABLE

if TYPE_CHECKING:
    from tests.rules.ground import Rule

PAGE = Path(__file__).resolve().parents[2] / "docs" / "规则核对.md"
MARK = "<!-- make mutate-rules -->"
NEAR: dict[str, tuple[str, ...]] = {
    "times.py": ("times",),
    "check_digit.py": ("6.",),
    "rectification.py": ("3 ",),
    "plan.py": ("declared",),
    "problem.py": ("problem ",),
}
SURVIVES = "SURVIVES"
PATIENCE = 120  # seconds for one mutant: an endless loop is noticed too


def caught_by(mutant: Mutant) -> str | None:
    """The first rule whose check fails under ``mutant``; none: it survives. Runs in a process of its own."""
    signal.alarm(PATIENCE)
    mutant.plant()
    try:
        from tests.rules.book import RULES
    except Exception as broken:
        return f"import: {type(broken).__name__}"
    for rule in sorted(RULES, key=partial(_distance, mutant)):
        try:
            rule.check()
        except Exception:
            return rule.name
    return None


def _distance(mutant: Mutant, rule: Rule) -> int:
    """How likely a rule is to notice: the long tables of attributes and codes come last for changes of code."""
    if any(hint in rule.name for hint in mutant.hints):
        return 0
    near = next((names for place, names in NEAR.items() if mutant.place.endswith(place)), ())
    if rule.name.startswith(near or "–"):
        return 1
    return 3 if rule.name.startswith(("service.", "evaluation.", "rectification.", "list ", "indicator ")) else 2


def run(mutants: Sequence[Mutant], workers: int) -> list[Mutant]:
    """The survivors. Each verdict is told as it falls; a child killed for its endless loop has noticed, too."""
    survivors: list[Mutant] = []
    running: dict[int, tuple[Mutant, int]] = {}
    waiting = list(reversed(mutants))
    while waiting or running:
        while waiting and len(running) < workers:
            mutant = waiting.pop()
            running.update(_started(mutant))
        child, status = os.wait()
        mutant, reading = running.pop(child)
        with os.fdopen(reading, encoding="utf-8") as told:
            verdict = told.read()
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
            verdict = "no end"
        if not verdict:
            raise RuntimeError(f"no verdict on {mutant.what}")
        if verdict == SURVIVES:
            survivors.append(mutant)
        print(f"{verdict} ← {mutant.what}", flush=True)
    return survivors


def _started(mutant: Mutant) -> dict[int, tuple[Mutant, int]]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(writing, (caught_by(mutant) or SURVIVES).encode())
        finally:
            os._exit(0)
    os.close(writing)
    return {child: (mutant, reading)}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rules.mutate")
    parser.add_argument("--only", default="")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args(arguments)
    for name in ("pydantic", "pydantic_core", "yaml"):
        importlib.import_module(name)  # loaded once, before the children part
    mutants = [mutant for mutant in (*data_mutants(), *code_mutants()) if chosen.only in mutant.what]
    began = time.monotonic()
    if not run([Mutant("–", "nothing", (), Unchanged())], 1):
        raise RuntimeError("the book fails as it is")
    survivors = run([mutant for mutant in mutants if not mutant.late], chosen.workers)
    importlib.import_module("tests.rules.book")
    survivors += run([mutant for mutant in mutants if mutant.late], chosen.workers)
    explained = [mutant for mutant in survivors if mutant.what in UNDECIDABLE]
    stale = [what for what in UNDECIDABLE if chosen.only in what and what not in {one.what for one in survivors}]
    caught = len(mutants) - len(survivors)
    print(f"{len(mutants)} mutants, {caught} caught, {len(survivors)} survive, {len(explained)} of them explained;")
    print(f"{len(stale)} explanations no longer needed {stale}; {time.monotonic() - began:.0f} s")
    if chosen.write:
        _write(mutants, survivors)
    return 1 if len(explained) < len(survivors) or stale else 0


def _write(mutants: Sequence[Mutant], survivors: Sequence[Mutant]) -> None:
    from tests.rules.book import RULES

    total, alive = Counter(mutant.place for mutant in mutants), Counter(mutant.place for mutant in survivors)
    rows = [
        f"| `{place}` | {total[place]} | {total[place] - alive[place]} | {alive[place]} |" for place in sorted(total)
    ]
    whole = f"| 合计 | {len(mutants)} | {len(mutants) - len(survivors)} | {len(survivors)} |"
    table = "\n".join(["| 拿掉的地方 | 变异 | 发现 | 存活 |", "|---|---|---|---|", *rows, whole])
    before, _, after = PAGE.read_text(encoding="utf-8").partition(MARK)
    _, _, after = after.partition(MARK)
    told = f"规则 {len(RULES)} 条，变异 {len(mutants)} 个。\n\n{table}"
    PAGE.write_text(f"{before}{MARK}\n{told}\n{MARK}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
