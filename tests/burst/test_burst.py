"""Two thousand records in twenty batches to a platform that refuses and loses: each is there once, as it was sealed.

A hundred thousand in a thousand: ``make burst``.
"""

from __future__ import annotations

from pathlib import Path

from tests.burst.burst import Size, burst


def test_a_burst_under_refusals_and_lost_answers_matches_exactly(tmp_path: Path, store_url: str) -> None:
    outcome = burst(tmp_path / "home", store_url, Size(2000, 100, scale=300, seed=20261122))
    print(f"receipted in time {outcome.in_time:.2%}, p99 {outcome.within(0.99):.1f} minutes, scaled")
    assert outcome.wrong == []
    assert outcome.effects == 2000
    assert outcome.batches == len(outcome.seconds) == 20
    assert outcome.answers["503"] > 0
    assert outcome.attempts > outcome.batches
