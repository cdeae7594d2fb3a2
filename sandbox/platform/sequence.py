"""The sequence rule (顺序规则): batches come in any order, but no two claim one place (interface section 4)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from sandbox.platform.ledger import Ledger
from sandbox.platform.refusals import Refusal

MOST_MISSING = 1_000


def check_sequence(
    ledger: Ledger, sender: str, stream: str, seq: int, batch_id: str, header_digest: str, prev_digest: str | None
) -> None:
    """Refusal ``batch.sequence`` where the number is taken or a neighbour's header contradicts.

    ``prev_digest`` is None for a void notice, which has none.
    """
    there = ledger.hold_at(sender, stream, seq)
    if there is not None and there.batch_id != batch_id:
        raise Refusal("batch.sequence", "this seq is held by another batchId")
    before = ledger.hold_at(sender, stream, seq - 1)
    if before is not None and prev_digest is not None and before.header_digest != prev_digest:
        raise Refusal("batch.sequence", "prevDigest is not the headerDigest held for seq - 1")
    after = ledger.hold_at(sender, stream, seq + 1)
    if after is not None and after.prev_digest is not None and after.prev_digest != header_digest:
        raise Refusal("batch.sequence", "the batch held for seq + 1 has another prevDigest")


def stream_state(ledger: Ledger, sender: str, stream: str) -> dict[str, object]:
    """``highestSeq`` and the lowest 1,000 ``missing``, ascending."""
    held = list(ledger.sequence(sender, stream))
    return {"highestSeq": held[-1] if held else 0, "missing": list(islice(_gaps(held), MOST_MISSING))}


def _gaps(held: list[int]) -> Iterator[int]:
    expected = 1
    for seq in held:
        yield from range(expected, seq)
        expected = seq + 1
