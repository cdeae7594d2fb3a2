"""A source or a department of which nobody ever complains."""

from __future__ import annotations

from typing import NamedTuple

from gateway.domain.integrity.thresholds import DetectorRule


class Tally(NamedTuple):
    """Counted evaluations (active and agent-recorded), and the negative ones among them."""

    rated: int
    negative: int

    def less(self, other: Tally) -> Tally:
        return Tally(self.rated - other.rated, self.negative - other.negative)


def no_negative(own: Tally, peers: Tally, rule: DetectorRule) -> float | None:
    """Expected negatives when there is none where the peers' rate gives ``expected`` or more; 0.0: nothing to say.

    ``least_rate`` stands in where the peers have no negatives either. None: the group is too small to tell.
    """
    if own.rated < rule.minimum:
        return None
    rate = max(peers.negative / peers.rated if peers.rated else 0.0, rule["least_rate"])
    expected = own.rated * rate
    if expected < rule["expected"]:
        return None
    return 0.0 if own.negative else expected
