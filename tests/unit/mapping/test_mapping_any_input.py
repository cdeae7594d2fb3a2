"""Whatever a source sends, the normaliser answers: records or problems, never an exception; digests are stable."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.errors import Rejected
from gateway.mapping import CanonicalRecord, Entry, Mapping, compile_mapping, prepare
from gateway.mapping.decode import decode
from gateway.mapping.sentence import sentence
from gateway.mapping.spec import Reading
from schemas.wire import from_wire, to_wire
from tests.unit.mapping.sample import RECEIVED, RECORD, entries, mapping, masters, source, spec

SURROGATE = "\ud800"
DEEP: Any = []
for _ in range(60):
    DEEP = [DEEP]
ODD = st.sampled_from(
    [
        *(float("nan"), float("inf"), -float("inf"), -0.0, 1e308, 5e-324, 2.0**53, 10**400, -(10**30), 2**63, True),
        *(SURROGATE, f"x{SURROGATE}", "\x00", "\ufeff", "\U0010ffff", "a" * 5_000, "٣", "²", "Ⅷ", "½", "ﬀ"),
        *(b"bytes", b"\xff", bytearray(b"x"), memoryview(b"x"), DEEP, {"a": DEEP}, (), (1,), {1: 2}, set(), object()),
        *(datetime(2026, 11, 20, 10), 1j, range(3), frozenset({"1"}), Ellipsis),  # noqa: DTZ001
        *("9999-12-31 23:59:59", "0001-01-01 00:00:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"),
        *("2026-11-20T10:00:00+99:99", "99999.999999999", "00000.5", "999999999999", "9999999999999"),
    ]
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)) | st.binary() | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3),
    max_leaves=6,
)
LEAVES = [(name, leaf) for name, inner in RECORD.items() if isinstance(inner, dict) for leaf in inner]
PLACES = [(name, "") for name in RECORD] + LEAVES


def declared_otherwise() -> Mapping:
    """Every declaration that the sample lacks, for the same record."""
    pair = {"path": "eval.text", "separator": "|", "by": "pair"}
    return compile_mapping(
        source(
            spec(
                service__service_time={"path": "at", "times": ["epoch_s", "epoch_ms", "excel_serial", "rfc3339"]},
                service__apply_date={"path": "apply", "times": ["excel_serial"]},
                service__accept_date={"path": "accept", "times": ["epoch_ms"]},
                service__area_code={"path": "area", "as": "region", "map": {"00": "511600"}},
                service__task_handle_item={"item": "handle_item"},
                service__manager_no={"path": "who.mark", "transform": ["lower"], "default": "-"},
                service__cert_key_gov={"path": "who.cert", "when": {"path": "agent.cert", "present": False}},
                evaluation__indicators=pair,
                evaluation__writing_evaluation=pair,
                evaluation__assess_time={"path": "eval.at", "times": ["rfc3339", "epoch_s"]},
                correction={"path": "fix.deep", "in": ["1"]},
            )
        ),
        masters(),
    )


def alone() -> Mapping:
    """Evaluations without their cases, with a revision."""
    evaluation = spec(evaluation__project_no={"path": "no"}, evaluation__service_number={"path": "n"})["evaluation"]
    return compile_mapping(source({"evaluation": evaluation, "revision": {"path": "at", "form": "time"}}), masters())


MAPPINGS = (mapping(), declared_otherwise(), alone())


@st.composite
def odd_records(draw: st.DrawFn) -> Any:
    record = copy.deepcopy(RECORD)
    for name, leaf in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=5)):
        if not leaf:
            record[name] = draw(ANY)
        elif isinstance(record[name], dict):
            record[name][leaf] = draw(ANY)
    return record


def answered(using: Mapping, item: Any) -> list[CanonicalRecord]:
    """The outcome's records; problems can be told to people, the key asked for, the way traced."""
    found = using.apply(item, RECEIVED)
    errors = [problem for problem in found.problems if problem.severity == "E"]
    assert bool(found.records) != bool(errors)
    for problem in found.problems:
        for lang in ("zh", "en"):
            assert sentence(problem, lang)
    with suppress_code("record.unwritable"):
        assert len(entries(item, using).entries) == len(found.records)
    key = using.key_of(item)
    assert key is None or len(key) <= 120
    if using.revision is not None and isinstance(item, dict):
        using.revision(item)
    return found.records


def prepared(made: CanonicalRecord) -> Entry | None:
    """The record as the ledger takes it; lone surrogates have no UTF-8, and such a record is refused by its stage."""
    with suppress_code("record.unwritable"):
        return prepare(made)
    return None


@contextmanager
def suppress_code(code: str) -> Iterator[None]:
    """Let a refusal under ``code``, and no other, pass."""
    try:
        yield
    except Rejected as refused:
        if refused.code != code:
            raise


@given(odd_records(), st.sampled_from(MAPPINGS))
@example({**RECORD, "title": SURROGATE}, MAPPINGS[0])
@example({**RECORD, "at": float("nan")}, MAPPINGS[1])
@example({**RECORD, "eval": {**RECORD["eval"], "reasons": DEEP}}, MAPPINGS[0])
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_value_in_any_place_has_an_answer(record: Any, using: Mapping) -> None:
    for made in answered(using, record):
        entry = prepared(made)
        if entry is None:
            continue
        again = made._replace(
            content=dict(reversed(made.content.items())), personal=dict(reversed(made.personal.items()))
        )
        assert prepare(again).digest == entry.digest, "the order of attributes doesn't count"
        assert using.apply(record, RECEIVED).records[0].key == answered(using, record)[0].key


@given(ANY, st.sampled_from(MAPPINGS))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_anything_instead_of_a_record_is_refused(item: Any, using: Mapping) -> None:
    assert answered(using, item) == []


@pytest.mark.parametrize("using", MAPPINGS)
def test_nothing_at_all_is_refused(using: Mapping) -> None:
    for item in ({}, {"": {}}, {"eval": {}}):
        assert answered(using, item) == []


def test_digests_change_with_every_value() -> None:
    """Every value that is sent; the two that are not, origin and service_stage, are compared beside the digest."""
    for made in mapping().apply(RECORD, RECEIVED).records:
        kept = {**made.content, **made.personal}.keys() - {"origin", "service_stage"}
        digests = {prepare(made).digest}
        for name in kept:
            part = "personal" if name in made.personal else "content"
            values: dict[str, Any] = getattr(made, part)
            other = {**values, name: ["511"] if name == "indicators" else "x"}
            digests.add(prepare(made._replace(**{part: other})).digest)
            digests.add(prepare(made._replace(**{part: {k: v for k, v in values.items() if k != name}})).digest)
        assert len(digests) == 1 + 2 * len(kept)


GOLDEN = {
    "service": "cd567b1130740fc9f92dd198e8e6eaa265a7b209490f1f627d8d669a5d4fff33",
    "evaluation": "3721a0a050dd8168f9381822a1acecd3c137d1b9ec60f835dedd24e1354b4427",
}


def test_digests_are_stable_from_release_to_release() -> None:
    """A changed digest would make every held record look changed."""
    made = {record.kind: prepare(record).digest.hex() for record in mapping().apply(RECORD, RECEIVED).records}
    assert made == GOLDEN


@given(odd_records())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_what_is_mapped_round_trips_over_the_wire(record: Any) -> None:
    for made in mapping().apply(record, RECEIVED).records:
        data = to_wire(made.kind, {**made.content, **made.personal})  # type: ignore[arg-type]
        kept = {**made.content, **made.personal}
        back = from_wire(made.kind, data)  # type: ignore[arg-type]
        assert back == {name: value for name, value in kept.items() if name not in {"service_stage", "origin"}}
        assert all(isinstance(value, str) for value in data.values())


@given(st.binary(max_size=200) | ANY.map(lambda value: json.dumps(value, default=str, ensure_ascii=True).encode()))
@example(b"[" * 100_000)
@example(b'[{"a": ' + b"9" * 5_000 + b"}]")
@example(b'["\\ud800"]')
@example(b"[NaN]")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_records_or_undecodable(body: bytes) -> None:
    for media_type in ("application/json", "text/csv", "text/xml", "application/octet-stream"):
        items: list[Any] = []
        with suppress_code("page.undecodable"):
            items = decode(body, media_type, Reading())
        for item in items:
            for using in MAPPINGS:
                answered(using, item)


def test_depth_is_no_trouble() -> None:
    deep: Any = "x"
    for _ in range(700):
        deep = {"eval": [deep]}
    for using in MAPPINGS:
        assert answered(using, deep) == []
