"""``gw run`` killed at 20 random moments and started again ends like a run that nobody disturbed.

Two towns hold the same records. In one, cycles run in peace. In the other every cycle is ended by SIGKILL at a moment
of its own, spread over the time that a cycle takes; each start finds a new portion of records and what the dead one
left. Both go on until nothing waits for a machine; then ledgers, orders and effects at the platform must be equal.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sandbox.generator.model import SHANGHAI
from tests.deployment import Deployment, deployment
from tests.faults.ending import ended
from tests.faults.invariants import violations
from tests.faults.portions import Portions

KILLS = 20
PORTIONS = 26
MOST_STARTS = 60
GROWTH = 1.05  # a busy machine's cycles last now shorter, now longer: what ends too soon is measured anew
RECORDS = 1560
DATA_SEED = 20261122
SEED = int(os.environ.get("KILL_SEED", "12345"))
BATCH_RECORDS = 50


@pytest.mark.kill
def test_killed_at_random_moments_and_started_again(tmp_path: Path) -> None:
    base = datetime.now(SHANGHAI).replace(microsecond=0)
    chance = random.Random(SEED)
    calm, lasts = _undisturbed(tmp_path / "calm", base)
    moments = [(number + chance.random()) / KILLS for number in range(KILLS)]  # as shares of a cycle
    chance.shuffle(moments)
    told = f"KILL_SEED={SEED}, a cycle takes {lasts:.2f} s"
    print(told)
    portions = Portions(tmp_path / "killed", records=RECORDS, seed=DATA_SEED, base=base, number=PORTIONS)
    with deployment(
        tmp_path / "killed", records=RECORDS, seed=DATA_SEED, base=base, batch_records=BATCH_RECORDS
    ) as town:
        caught: Counter[str] = Counter()
        for _ in range(MOST_STARTS):
            if not moments:
                break
            portions.show(town)
            town.tick(2)
            began = time.monotonic()
            if _killed(town.start("run"), lasts * moments[0]):
                moments.pop(0)
                caught.update(_in_flight(town))
                lasts *= GROWTH
            else:
                lasts = time.monotonic() - began
        print(f"{KILLS - len(moments)} kills; left in flight: {dict(caught)}; a cycle takes {lasts:.2f} s now")
        assert not moments, f"{told}: {len(moments)} cycles ended before their moment"
        portions.show(town, portions.left)
        town.until_quiet()
        assert violations(town) == {}, told
        found = ended(town)
    for name, expected in calm.items():
        assert found[name] == expected, f"{name} differs; {told}"


def _undisturbed(var: Path, base: datetime) -> tuple[dict[str, Any], float]:
    """How it ends in peace, and how long a cycle over one portion takes, from the start of the process to its end."""
    portions = Portions(var, records=RECORDS, seed=DATA_SEED, base=base, number=PORTIONS)
    with deployment(var, records=RECORDS, seed=DATA_SEED, base=base, batch_records=BATCH_RECORDS) as town:
        portions.show(town)
        assert town.gw("run").code == 0
        portions.show(town)
        town.tick(2)
        began = time.monotonic()
        assert town.gw("run").code == 0
        lasts = time.monotonic() - began
        portions.show(town, portions.left)
        town.until_quiet()
        assert violations(town) == {}
        found = ended(town)
        assert min(map(len, found.values())) > 10
        return found, lasts


def _killed(process: subprocess.Popen[bytes], after: float) -> bool:
    """SIGKILL after that time; False when it had come to its end before."""
    try:
        process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    assert process.returncode in (0, 3)
    return False


def _in_flight(town: Deployment) -> Counter[str]:
    """What the dead cycle left in the middle; says where the kills fell."""
    queries = {
        "pages": "SELECT COUNT(*) FROM raw_page WHERE state = 'landed'",
        "orders": "SELECT COUNT(*) FROM work_order WHERE state = '10'",
        "order called": "SELECT COUNT(*) FROM work_order WHERE state = '11'",
        "batch queued": "SELECT COUNT(*) FROM batch WHERE state = 'QUEUED'",
        "batch sending": "SELECT COUNT(*) FROM batch WHERE state = 'SENDING'",
        "unreconciled": "SELECT COUNT(*) FROM batch WHERE state = 'ACKNOWLEDGED'",
    }
    return Counter({name: 1 for name, query in queries.items() if town.count(query)})
