"""From the sources to four provinces: pulled, normalised and pushed through each profile, under faults on the way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.stages.push import push
from sandbox.provinces.receiver import Receiver, serving
from sandbox.provinces.txn import TxnReceiver
from tests.deployment import Deployment, deployment
from tests.integration.profiles.world import KEY, LOGIN, RECEIVERS, SECRET, connection_to

SENDER = "510000000000"  # of the deployment
RECORDS = 60
RUNS = 8


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, dict[str, Receiver]]]:
    """A town whose sources were read to the end, and a receiver for each profile."""
    receivers = {name: make() for name, make in RECEIVERS.items()}
    receivers["sd-txn"] = TxnReceiver(KEY, LOGIN, SECRET, SENDER)
    with ExitStack() as stack:
        urls = {name: stack.enter_context(serving(receiver)) for name, receiver in receivers.items()}
        connections = {f"GW_CONN_{_id(name).upper()}": json.dumps(connection_to(url)) for name, url in urls.items()}
        var = tmp_path_factory.mktemp("journey")
        made = stack.enter_context(deployment(var, records=RECORDS, seed=11, **connections))
        for name in receivers:
            lines = {"target": _id(name), "name": name, "profile": name, "connection": _id(name), "recipient": "P"}
            text = "".join(f"{key}: {value}\n" for key, value in lines.items())
            (var / "home" / "targets" / f"{_id(name)}.yaml").write_text(text, encoding="utf-8")
        context = made.open()
        for source in context.sources:
            pull(context, source)
            normalise(context, source)
        context.store.close()
        yield made, receivers


@pytest.mark.parametrize("profile", RECEIVERS)
def test_every_record_of_the_ledger_that_the_interface_takes_arrives_once(
    town: tuple[Deployment, dict[str, Receiver]], profile: str
) -> None:
    made, receivers = town
    receiver: Any = receivers[profile]
    if profile != "bj-form":  # it counts a repeat twice: what its lost answers mean is tried apart
        receiver.desk.order({"kind": "lose_reply", "rate": 0.05, "times": 4, "match": "POST"})
    context = made.open(retry_base_seconds=0.001, lease_seconds=30, allowed_hosts="127.0.0.1")
    try:
        for _ in range(RUNS):
            push(context, _id(profile))
    finally:
        context.store.close()
    kinds = dict(made.rows("SELECT kind, COUNT(*) FROM ledger_record GROUP BY kind"))
    there = Counter(kind for kind, _ in receiver.effects)
    refused = made.rows(
        "SELECT l.kind, r.code, COUNT(*) FROM batch_record r JOIN batch b ON b.number = r.batch_number"
        " JOIN ledger_record l ON l.position = r.position"
        " WHERE b.target_id = :target AND r.code IS NOT NULL AND r.code <> 'duplicate' GROUP BY l.kind, r.code",
        target=_id(profile),
    )
    taken = {"bj-form": ["service"], "fj-soap": ["evaluation"]}.get(profile, ["service", "evaluation"])
    turned_away: Counter[str] = Counter()
    for kind, code, count in refused:
        assert code in {"profile.field_missing", "profile.refused", "parent.missing"}, (kind, code)
        turned_away[kind] += count
    for kind in taken:
        assert there[kind] == kinds[kind] - turned_away[kind], (kind, refused)
        assert there[kind] > 0
    states = {state for (state,) in made.rows("SELECT state FROM batch WHERE target_id = :target", target=_id(profile))}
    assert states <= {"ACKNOWLEDGED", "PARTIALLY_ACCEPTED", "REJECTED"}


def _id(profile: str) -> str:
    return profile.replace("-", "_")
