"""Records that no one would think of, in a page with good ones: each is refused by itself, with its reasons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.connector import Page
from gateway.mapping.sentence import sentence
from gateway.stages.causes import causes
from gateway.stages.explain import explain
from gateway.stages.normalise import normalise
from gateway.stages.replay import replay
from tests.integration.store.portal_data import context_of, record
from tests.integration.trail.lone import land
from tests.integration.trail.test_trail_intake import UNBALANCED, query

HALF = "办得快\ud83d"  # an emoji cut in half by a column that counts in UTF-16


def spoilt(number: int, **changes: Any) -> dict[str, Any]:
    """A good record with other values at ``group__name``."""
    made = record(number)
    for place, value in changes.items():
        group, _, name = place.partition("__")
        if name:
            made[group][name] = value
        else:
            made[group] = value
    return made


ODD: list[tuple[Any, str, str]] = [  # record, code, field
    (spoilt(1, evaluation__text=HALF), "field.type", "writing_evaluation"),
    (spoilt(2, case__projectName=HALF), "field.type", "project_name"),
    (spoilt(3, applicant__name=float("nan")), "field.type", "user_name"),
    (spoilt(4, case__promiseDay=float("inf")), "field.type", "promise_day"),
    (spoilt(5, service__number=10**30), "field.length", "service_number"),
    (spoilt(6, evaluation__satisfaction=[5]), "field.type", "satisfaction"),
    (spoilt(7, evaluation__satisfaction={"level": 5}), "field.type", "satisfaction"),
    (spoilt(8, evaluation__satisfaction=5.5), "satisfaction.unknown", "satisfaction"),
    (spoilt(9, applicant__mobile={"no": "138"}), "field.type", "mobile"),
    (spoilt(10, service__time=[["2026-11-19 09:00:00"]]), "field.type", "service_time"),
    (spoilt(11, evaluation__indicators=[["510"], {"code": "511"}]), "field.type", "indicators"),
    (spoilt(12, case__projectNo="GA\u0000\n1'; DROP TABLE x--"), "project_no.charset", "project_no"),
    ("text", "field.type", "record"),
    (None, "field.type", "record"),
    ([record(13)], "field.type", "record"),
]


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Any:
    made = context_of(store_url, tmp_path / "var")
    yield made
    assert query(made, UNBALANCED) == [(0,)]
    made.store.close()


def body(records: list[Any]) -> bytes:
    """As careless writers send it: with NaN, with halves of characters as escapes, with a byte order mark."""
    return b"\xef\xbb\xbf" + json.dumps({"data": {"list": records}}).encode()


def test_each_is_refused_by_itself_and_its_neighbours_go_on(context: Any) -> None:
    sent = [entry for number, (odd, _, _) in enumerate(ODD) for entry in (odd, record(100 + number))]
    land(context, Page(body(sent), "application/json", "page=1", "1", len(sent)))
    report = normalise(context)
    assert (report.landed, report.undecodable_pages, report.quarantined) == (len(sent), 0, len(ODD))
    assert report.stored == len(ODD)
    told = {(cause.code, cause.field) for cause in causes(context)}
    assert told >= {(code, field) for _, code, field in ODD}
    page_id = query(context, "SELECT page_id FROM raw_page")[0][0]
    for index, (_, code, field) in enumerate(ODD):
        (refused,) = explain(context, f"{page_id}:{2 * index}").refused
        (problem,) = [one for one in refused.problems if one.field == field and one.severity == "E"]
        assert problem.code == code
        for lang in ("zh", "en"):
            assert sentence(problem, lang).encode()  # type: ignore[arg-type]
        (origin,) = explain(context, f"{page_id}:{2 * index}").origins
        assert "".join(str(step.raw) for step in origin.steps).encode() or not origin.steps
    assert (replay(context).total, replay(context).passing) == (len(ODD), 0)


def test_a_page_that_is_none_is_refused_as_a_whole(context: Any) -> None:
    for number, broken in enumerate(
        (b"[" * 100_000, b'{"data": {"list": [1, 2', b"\xff\xfe[]", b"[" + b"9" * 5000 + b"]")
    ):
        land(context, Page(broken, "application/json", f"page={number}", str(number), 1))
    report = normalise(context)
    assert (report.undecodable_pages, report.quarantined, report.stored) == (4, 4, 0)
