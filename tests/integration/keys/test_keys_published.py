"""What the platform publishes: fetched, shown, and in force only once a person applied it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.cli.key_waits import keys_waiting
from gateway.crypto import sm2
from gateway.errors import Misconfigured, Rejected
from gateway.mapping import load_masters, load_sources
from gateway.mapping.compiled import compile_mapping
from gateway.national.client import Indicator, Indicators, PublishedKey
from gateway.national.dictionary import write_dictionary
from gateway.national.key_list import read_list, write_list
from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches, resume_target, show_batch
from gateway.stages.own_keys import key_warnings
from gateway.stages.published import (
    apply_indicators,
    apply_keys,
    fetch_indicators,
    fetch_keys,
    indicator_versions,
)
from gateway.stages.push import push
from gateway.store import audit
from schemas import code_lists
from schemas.resource import data_version
from tests.integration.delivery.world import fill, service
from tests.integration.keys.conftest import Site
from tests.integration.store.portal_data import ROOT, SOURCE, record

NEW = "599"


def kinds(report: Any) -> dict[str, int]:
    counted: dict[str, int] = {}
    for change in report.changes:
        counted[change.change] = counted.get(change.change, 0) + 1
    return counted


def test_a_key_counts_from_its_act_and_not_before(site: Site) -> None:
    context = site.open()
    with pytest.raises(Rejected, match=r"published\.nothing_fetched"):
        apply_keys(context, "national", "li", "r")
    assert kinds(fetch_keys(context, "national")) == {"validity": 4}
    apply_keys(context, "national", "li", "first list")
    assert kinds(fetch_keys(context, "national")) == {"same": 4}
    assert keys_waiting(context) == []

    site.platform.admin.rotate("SGD_SM3_SM2")
    fill(context, [service(1)])
    assert push(context, "national").suspended_code == "receipt.key_unknown"
    assert kinds(fetch_keys(context, "national")) == {"same": 4, "new": 1}
    assert [wait.code for wait in keys_waiting(context)] == ["published_keys"]
    resume_target(context, "national", "li", "try")
    assert push(context, "national").suspended_code == "receipt.key_unknown", "fetching believes nothing"

    report = apply_keys(context, "national", "li", "read out over the telephone")
    (new,) = [change for change in report.changes if change.change == "new"]
    assert len(new.fingerprint) == 64
    assert new.fingerprint.startswith(new.key_id)
    assert keys_waiting(context) == []
    resume_target(context, "national", "li", "pinned")
    assert push(context, "national").suspended_code is None
    assert site.platform.admin.oracle()["effects"]["service"] == 1
    with context.store.read() as transaction:
        acts = [act for act in audit.recent(transaction) if act.act == "target.keys.apply"]
    assert [act.reason for act in acts] == ["read out over the telephone", "first list"]


def test_sealing_takes_the_newest_key_that_is_valid(site: Site) -> None:
    context = site.open()
    former = context.keys.wrapper(algorithm="SM2").key_id
    newer = site.platform.admin.rotate("SM2")["keyId"]
    fetch_keys(context, "national")
    apply_keys(context, "national", "li", "r")
    fill(context, [service(1)])
    push(context, "national")
    (batch,) = list_batches(context)
    assert show_batch(context, batch.batch_id).recipient_key_id == newer
    site.shift = timedelta(days=5000)
    with pytest.raises(Misconfigured, match=r"crypto\.key_ambiguous"):
        context.keys.wrapper(algorithm="SM2")
    assert {warning.code for warning in key_warnings(context)} >= {"key_expired"}
    assert context.keys.wrapper(former).key_id == former


def test_what_is_listed_no_more_goes_only_when_told_to(site: Site) -> None:
    context = site.open()
    stranger = sm2.generate().public
    context.keys.pin(stranger.pem, "sig")
    assert kinds(fetch_keys(context, "national")) == {"validity": 4, "gone": 1}
    apply_keys(context, "national", "li", "keep it")
    assert context.keys.verifier(stranger.key_id) is not None
    apply_keys(context, "national", "li", "let it go", drop=True)
    assert context.keys.verifier(stranger.key_id) is None
    assert site.open().keys.verifier(stranger.key_id) is None
    kept = context.keys.path / "platform" / "withdrawn" / f"{stranger.key_id}.sig.pem"
    assert kept.read_bytes() == stranger.pem
    assert kinds(fetch_keys(context, "national")) == {"same": 4}


def listed(**changes: Any) -> PublishedKey:
    key = sm2.generate().public
    fields = {
        "key_id": key.key_id,
        "use": "sig",
        "alg": "SGD_SM3_SM2",
        "spki": base64.b64encode(key.spki).decode(),
        "not_before": "2026-01-01T00:00:00+08:00",
        "not_after": "2027-01-01T00:00:00+08:00",
    }
    return PublishedKey(**(fields | changes))


def test_a_list_is_believed_whole_or_not_at_all() -> None:
    (key,) = read_list(write_list([listed()]))
    assert key.not_before == datetime(2025, 12, 31, 16, tzinfo=UTC)
    for changes in (
        {"key_id": "0" * 16},
        {"use": "both"},
        {"alg": "ES256"},
        {"use": "enc"},
        {"spki": "AAAA"},
        {"spki": "?"},
        {"not_before": "2026-01-01T00:00:00"},
        {"not_after": "2025-01-01T00:00:00+08:00"},
        {"not_after": "soon"},
    ):
        with pytest.raises(Misconfigured, match=r"published\.key_invalid"):
            read_list(write_list([listed(), listed(**changes)]))


def told(context: Context) -> list[str]:
    """The problems of a rating with an indicator that this release does not know, mapped as a process would now."""
    (source,) = [one for one in load_sources(ROOT / "mappings") if one.source == SOURCE]
    mapping = compile_mapping(source, load_masters(ROOT / "mappings"))
    outcome = mapping.apply(record(1, "5", indicators=[NEW]), datetime(2026, 11, 20, 4, tzinfo=UTC))
    return [problem.code for problem in outcome.problems]


def test_a_dictionary_is_in_force_for_normalising_once_applied(site: Site) -> None:
    context = site.open()
    assert fetch_indicators(context).changes == []
    with context.store.read() as transaction:
        before = len(audit.recent(transaction))
    shipped = code_lists.indicators()
    version = data_version()
    gone = next(code for code, row in shipped.items() if row.enabled)
    items = [
        {"code": row.code, "name": row.name, "level": row.level, "enabled": row.enabled}
        for row in shipped.values()
        if row.code != gone
    ]
    items.append({"code": NEW, "name": "全程网办", "level": 5, "enabled": True})
    site.platform.admin.publish_indicators("3", items)
    assert told(context) == ["indicator.unknown"]
    report = fetch_indicators(context)
    assert {(change.change, change.code) for change in report.changes} == {("added", NEW), ("gone", gone)}
    assert told(site.open()) == ["indicator.unknown"], "fetching changes nothing"
    assert [wait.code for wait in keys_waiting(context)] == ["published_indicators"]

    applied = apply_indicators(context, "li", "circular 12")
    assert applied.valid_from is not None
    assert told(site.open()) == []
    assert data_version() != version, "pages mapped since tell which dictionary they were mapped by"
    assert code_lists.indicators()[gone].enabled is False, "valid in history"
    assert fetch_indicators(site.open()).changes == []
    with pytest.raises(Rejected, match=r"published\.applied_already"):
        apply_indicators(context, "li", "again")
    with context.store.read() as transaction:
        acts = audit.recent(transaction)
    assert (acts[0].act, acts[0].outcome) == ("target.indicators.apply", "version 3")
    assert len(acts) == before + 1


def test_a_dictionary_may_count_from_a_later_day(site: Site) -> None:
    context = site.open()
    items = [
        {"code": row.code, "name": row.name, "level": row.level, "enabled": row.enabled}
        for row in code_lists.indicators().values()
    ]
    site.platform.admin.publish_indicators("3", [*items, {"code": NEW, "name": "一", "level": 5, "enabled": True}])
    fetch_indicators(context)
    apply_indicators(context, "li", "from January", site.clock() + timedelta(days=40))
    assert told(site.open()) == ["indicator.unknown"]
    site.later(timedelta(days=41))
    assert told(site.open()) == []
    site.platform.admin.publish_indicators("4", items)
    site.later(timedelta(days=1))  # an act that comes before that day, and counts at once
    context = site.open()
    fetch_indicators(context)
    apply_indicators(context, "li", "withdrawn")
    site.later(timedelta(days=50))
    assert told(site.open()) == ["indicator.unknown"]
    assert [one.version for one in indicator_versions(site.open())] == ["4", "3"]


@pytest.mark.parametrize(
    "items",
    [
        [],
        [Indicator("501", "一", 5, True)] * 2,
        [Indicator("401", "一", 5, True)],
        [Indicator("5a1", "一", 5, True)],
        [Indicator("501", " ", 5, True)],
    ],
    ids=["empty", "twice", "other level", "no code", "no name"],
)
def test_a_broken_dictionary_is_not_believed(items: list[Indicator]) -> None:
    with pytest.raises(Misconfigured, match=r"published\.indicators_invalid"):
        write_dictionary(Indicators("3", items))
