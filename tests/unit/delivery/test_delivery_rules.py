"""Backoff, breaker, failure classes, what an answer means, and the wire form."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.canonical import canonical_json
from gateway.domain import backoff
from gateway.domain.breaker import OPEN_FOR, OPENS_AFTER, PROBES, Breaker
from gateway.domain.failure import CONSEQUENCES, FailureClass, refusal_class
from gateway.domain.wire import attributes, cells, wire_record
from gateway.errors import Misconfigured, Rejected, Transient
from gateway.national.client import HeldRecord
from gateway.national.reply import read_answer, read_error
from gateway.national.target import load_target
from gateway.net.answer import Answer
from gateway.net.http import NotSent
from gateway.stages.reconcile import differing
from gateway.store.reconciliations import Delivered
from schemas.attributes import ATTRIBUTES, KINDS, PERSONAL, Kind
from schemas.wire import to_wire

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@given(st.integers(0, 1000), st.floats(0, 1, exclude_max=True), st.none() | st.integers(0, 9000))
def test_delay_stays_below_the_ceiling_and_above_retry_after(failures: int, draw: float, floor: int | None) -> None:
    seconds = backoff.delay(failures, 60, draw, floor).total_seconds()
    assert (floor or 0) - 1e-6 <= seconds <= max(3600, floor or 0)
    assert failures > 0 or seconds <= max(60, floor or 0)


def test_a_batch_never_tried_does_not_run_out_of_time() -> None:
    long_ago = NOW - timedelta(days=30)
    assert not backoff.exhausted(0, long_ago, NOW)
    assert backoff.exhausted(1, long_ago, NOW)
    assert backoff.exhausted(backoff.MAX_ATTEMPTS, NOW, NOW)


def test_the_breaker_opens_after_five_failures_and_closes_after_three_probes() -> None:
    breaker = Breaker()
    for _ in range(OPENS_AFTER):
        assert breaker.admits(NOW)
        breaker = breaker.failed(NOW)
    assert not breaker.admits(NOW)
    later = NOW + OPEN_FOR
    for _ in range(PROBES):
        assert breaker.admits(later)
        breaker = breaker.succeeded(later)
    assert breaker == Breaker()


def test_a_failed_probe_opens_the_breaker_again() -> None:
    breaker = Breaker("open", OPENS_AFTER, NOW).failed(NOW + OPEN_FOR)
    assert not breaker.admits(NOW + OPEN_FOR)


def test_a_breaker_that_a_clock_far_ahead_opened_lets_probes_through() -> None:
    opened = Breaker("open", OPENS_AFTER, NOW + timedelta(days=1))
    assert opened.admits(NOW)
    assert not Breaker("open", OPENS_AFTER, NOW + OPEN_FOR / 2).admits(NOW)


def test_a_success_forgets_earlier_failures() -> None:
    assert Breaker("closed", OPENS_AFTER - 1).succeeded(NOW) == Breaker()


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, named, body, "127.0.0.1:1/api")


def refusal(code: str) -> bytes:
    return orjson.dumps({"code": code, "message": "why"})


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (400, refusal("batch.transfer"), {}, FailureClass.NOT_SENT),
        (400, refusal("batch.malformed"), {}, FailureClass.PERMANENT),
        (413, refusal("batch.too_large"), {}, FailureClass.PERMANENT),
        (401, refusal("auth.signature"), {}, FailureClass.CREDENTIAL),
        (401, refusal("auth.time"), {}, FailureClass.CLOCK_SKEW),
        (403, b"<html>", {}, FailureClass.CREDENTIAL),
        (409, refusal("batch.conflict"), {}, FailureClass.CONFLICT),
        (422, refusal("batch.sequence"), {}, FailureClass.CONFLICT),
        (422, refusal("batch.decrypt"), {}, FailureClass.CREDENTIAL),
        (422, refusal("batch.digest"), {}, FailureClass.PERMANENT),
        (422, refusal("batch.novel"), {}, FailureClass.CONFLICT),
        (404, b"nginx", {}, FailureClass.CREDENTIAL),
        (408, b"", {}, FailureClass.UNKNOWN),
        (502, b"", {}, FailureClass.UNKNOWN),
        (504, b"", {}, FailureClass.UNKNOWN),
        (429, b"", {}, FailureClass.THROTTLED),
        (503, b"", {"retry_after": "7"}, FailureClass.THROTTLED),
        (503, b"", {}, FailureClass.SERVER),
        (500, refusal("batch.malformed"), {}, FailureClass.SERVER),
    ],
)
def test_what_an_answer_means(status: int, body: bytes, headers: dict[str, str], expected: FailureClass) -> None:
    reply = read_answer(answer(status, body, **headers), expires_ahead=True)
    assert reply.failure is not None
    assert reply.failure.kind is expected
    assert reply.failure.retry_after == (7.0 if headers else None)


def test_expired_speaks_of_clocks_while_the_envelope_is_valid() -> None:
    assert refusal_class("batch.expired", expires_ahead=True) is FailureClass.CLOCK_SKEW
    assert refusal_class("batch.expired", expires_ahead=False) is FailureClass.PERMANENT


def test_not_found_is_no_failure_of_a_question() -> None:
    assert read_answer(answer(404), expires_ahead=True, asked=True).meaning == "unknown"
    assert read_answer(answer(202), expires_ahead=True).meaning == "processing"
    assert read_answer(answer(200, b"{}"), expires_ahead=True).receipt == b"{}"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (NotSent("net.connect_refused"), FailureClass.NOT_SENT),
        (Transient("net.timeout"), FailureClass.UNKNOWN),
        (Misconfigured("net.not_allowed"), FailureClass.CREDENTIAL),
    ],
)
def test_what_a_missing_answer_means(error: Transient, expected: FailureClass) -> None:
    failure = read_error(error).failure
    assert failure is not None
    assert failure.kind is expected


def test_classes_that_suspend_use_no_attempt() -> None:
    for kind, follows in CONSEQUENCES.items():
        assert follows.attempt == (0 if follows.event == "suspended" else 1), kind
        assert not follows.suspends_target or follows.attempt == 0


AWKWARD = st.sampled_from(
    ['"', "\\", '","mobile":"', '"dataSource":', "\n\t\x00\x1f\x7f", "\u2028", "\U0001f600", "局"]
)
text = st.lists(AWKWARD | st.text(st.characters(exclude_categories=["Cs"]), min_size=1), min_size=1).map("".join)


@given(st.sampled_from(KINDS), st.data(), text, st.integers(1, 2**31))
def test_the_wire_form_is_canonical(kind: Kind, data: st.DataObject, key: str, version: int) -> None:
    """Whatever attributes a record has, and whatever stands in them."""
    present = data.draw(st.sets(st.sampled_from(sorted(ATTRIBUTES[kind]))))
    record: dict[str, Any] = {name: data.draw(text) for name in sorted(present)}
    if "indicators" in present:
        record["indicators"] = ["501", "502"]
    content = {name: value for name, value in record.items() if name not in PERSONAL[kind]}
    personal = {name: value for name, value in record.items() if name in PERSONAL[kind]}
    held = cells(kind, content, personal)
    expected = {"data": to_wire(kind, record), "key": key, "kind": kind, "version": version}
    assert wire_record(kind, key, version, held.content, held.personal) == canonical_json(expected)
    internal = {name: record[name] for name in ("origin", "service_stage") if name in record}
    assert attributes(kind, *held, **internal) == record


def test_a_value_without_canonical_form_is_refused_without_being_quoted() -> None:
    with pytest.raises(Rejected) as refused:
        cells("service", {"task_name": "\ud800张三"}, {})
    assert refused.value.code == "record.unwritable"
    assert "张三" not in str(refused.value)


sides = st.dictionaries(st.text("ab#é\U0001f600", max_size=4), st.tuples(st.integers(1, 2), st.binary(max_size=1)))


@given(sides, sides)
def test_differences_are_those_of_the_two_sides(
    ours: dict[str, tuple[int, bytes]], theirs: dict[str, tuple[int, bytes]]
) -> None:
    mine = (Delivered(key, *ours[key]) for key in sorted(ours, key=str.encode))
    held = (HeldRecord(key, theirs[key][0], theirs[key][1].hex()) for key in sorted(theirs, key=str.encode))
    expected = dict.fromkeys(ours.keys() - theirs.keys(), "missing_there")
    expected |= dict.fromkeys(theirs.keys() - ours.keys(), "missing_here")
    expected |= {key: "differing" for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]}
    assert {one.record_key: one.difference for one in differing(mine, held)} == expected


def test_a_target_file_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    good = "target: national\nname: n\nconnection: national\nrecipient: NATIONAL\n"
    file = tmp_path / "national.yaml"
    file.write_text(good, encoding="utf-8")
    assert load_target(tmp_path, "national").suite == "GM-GCM-1"
    file.write_text(good + "colour: red\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"target\.invalid"):
        load_target(tmp_path, "national")
    with pytest.raises(Misconfigured, match=r"target\.unknown"):
        load_target(tmp_path, "elsewhere")


def test_a_target_file_that_is_no_yaml_stops_no_other_target(tmp_path: Path) -> None:
    (tmp_path / "beijing.yaml").write_text(": : [", encoding="utf-8")
    text = "target: national\nname: 国家平台\nconnection: national\nrecipient: NATIONAL\n"
    (tmp_path / "national.yaml").write_text(text, encoding="utf-8")
    assert load_target(tmp_path, "national").recipient == "NATIONAL"
    with pytest.raises(Misconfigured, match=r"target\.invalid.*beijing"):
        load_target(tmp_path, "beijing")
