"""What a campaign of simulated worlds comes to, as the page shows it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

from sandbox.generator.model import SHANGHAI
from tests.simulation.faults import FAULTS, KINDS
from tests.simulation.judge import Verdict
from tests.simulation.mutants import MUTANTS
from tests.simulation.story import Story

if TYPE_CHECKING:
    from tests.simulation.campaign import Results

TITLE = "Simulation: single faults, pairs, random schedules, broken designs"
MEASURES = {
    "lost": "lost",
    "duplicate": "duplicate",
    "stuck": "stuck",
    "falsely_failed": "falsely failed",
    "broken": "an invariant broken",
}
ABOUT = """
Written by `make simulate` (`python -m tests.simulation.campaign [--seed N] [--schedules N] [--workers N]`). The
stages are ours, the platform is the double's own code, the way between them and the clock are the world's
(`tests/simulation`). Every world has a database and keys of its own; records arrive in steps, faults strike, workers
die, stall, overtake one another, an operator interferes. Then faults end: what a machine owns must come to rest within
its SLA, of what a person owns `gw stuck` must tell, and once people have done what it says every record must be there
once, by the platform's oracle, or in quarantine with a reason. I1 to I4, I6, I7 and I9 to I11 are asked as well.
"""


def lines(results: Results, seconds: float) -> list[str]:
    """The section's lines."""
    worlds = (
        f"{datetime.now(SHANGHAI):%Y-%m-%d}, seed {results.seed}, {seconds / 60:.0f} minutes; {len(FAULTS)} faults, of "
        f"which {len(KINDS)} kinds are paired. Worlds with at least one:"
    )
    return [
        *ABOUT.strip().splitlines(),
        "",
        worlds,
        "",
        f"| part | worlds | {' | '.join(MEASURES.values())} |",
        "|---|--:|" + "--:|" * len(MEASURES),
        *(f"| {part} | {len(played):,} | {_counts(played)} |" for part, played in results.parts.items()),
        "",
        "Broken designs, each on a third of the kinds alone and on the stories that show it; worlds with at least one:",
        "",
        f"| variant | what it does | worlds | caught in | {' | '.join(MEASURES.values())} |",
        "|---|---|--:|--:|" + "--:|" * len(MEASURES),
        *(
            f"| {name} | {MUTANTS[name].does} | {len(played)} | {_caught(played)} | {_counts(played)} |"
            for name, played in results.mutants.items()
        ),
    ]


def _counts(played: list[tuple[Story, Verdict]]) -> str:
    found = Counter(measure for _, verdict in played for measure in MEASURES if getattr(verdict, measure))
    return " | ".join(f"{found[measure]:,}" for measure in MEASURES)


def _caught(played: list[tuple[Story, Verdict]]) -> str:
    return f"**{sum(not verdict.clean for _, verdict in played)}**"
