"""A town with every trap is mapped in YAML alone, and its 10,000 records come out right, of which none is lost."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from sandbox.generator.traps.mistakes import MISTAKES
from sandbox.generator.traps.stream import Sent, town
from tests.integration.traps.oracle import differences, expected, found, settle, trap_context

RECORDS, SEED = 10_000, 3
EARNED = {  # warnings that the dialects' way of writing earns
    *("region.short", "region.retired", "region.source_mismatch", "item.type_fallback", "item.local_only"),
    *("item.code_split", "coarse.applicant_type", "identity.plain_cert_key", "satisfaction.unrated"),
    *("evaluation.satisfaction_changed",),
}


@pytest.fixture(scope="module")
def sent() -> dict[str, list[Sent]]:
    return town(RECORDS, SEED)


def test_every_trap_is_in_it(sent: dict[str, list[Sent]]) -> None:
    """Each planted mistake, each warning, each state: an oracle that is never asked proves nothing."""
    truths = [piece.truth for pieces in sent.values() for piece in pieces]
    assert len(truths) == RECORDS
    planted = {problem for truth in truths for problem in truth.errors}
    known = {problem for mistakes in MISTAKES.values() for one in mistakes for problem in one.problems}
    assert planted == known | {("record.conflict", "project_no")}
    assert {code for truth in truths for code in truth.warnings} == EARNED
    states = Counter(truth.state for truth in truths)
    assert states.keys() == {"stored", "quarantined", "duplicate", "held"}
    assert min(states.values()) >= 10
    assert max(len(truth.errors) for truth in truths) > 1


def test_ten_thousand_records_come_out_as_they_were_meant(sent: dict[str, list[Sent]], tmp_path: Path) -> None:
    context = trap_context(f"sqlite:///{tmp_path / 'traps.db'}", tmp_path)
    settle(context, sent)
    wrong = differences(expected(sent), found(context))
    with context.store.read() as transaction:
        counts: Any = transaction.execute(
            text("SELECT SUM(landed), SUM(stored + quarantined + duplicate) FROM raw_page")
        ).one()
    context.store.close()
    assert wrong == [], f"{len(wrong)} differ, such as {wrong[:5]}"
    assert tuple(counts) == (RECORDS, RECORDS)


def test_the_oracle_notices_a_single_changed_value(sent: dict[str, list[Sent]]) -> None:
    wanted, got = expected(sent), expected(sent)
    key = next(key for key in got["held"] if key[0] == "evaluation")
    got["held"][key] = [{**got["held"][key][0], "satisfaction": "x"}]
    refused = next(iter(got["refused"]))
    del got["refused"][refused]
    assert len(differences(wanted, got)) == 2
