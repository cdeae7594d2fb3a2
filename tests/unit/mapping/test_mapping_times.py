from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping.times import FORMS, UnparsableError, at, is_date_only, reader, to_wire

NOON = "2026-11-20 12:00:00"


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        ("yyyy-MM-dd HH:mm:ss", NOON),
        ("yyyyMMddHHmmss", "20261120120000"),
        ("yyyyMMddHHmmss", "20261120T120000"),
        ("rfc3339", "2026-11-20T12:00:00+08:00"),
        ("rfc3339", "2026-11-20T04:00:00Z"),
        ("rfc3339", "2026-11-20T04:00:00.999Z"),
        ("rfc3339", "2026-11-19T23:00:00-05:00"),
        ("rfc3339", "2026-11-20T12:00:00"),
        ("epoch_ms", 1_795_147_200_000),
        ("epoch_ms", "1795147200999"),
        ("excel_serial", "46346.5"),
    ],
)
def test_forms_that_mean_noon(form: str, raw: Any) -> None:
    assert FORMS[form](raw) == NOON


@pytest.mark.parametrize(
    ("form", "raw"),
    [
        ("yyyy-MM-dd HH:mm:ss", "2026-02-29 12:00:00"),
        ("yyyy-MM-dd HH:mm:ss", "2026-11-20 24:00:00"),
        ("yyyy-MM-dd HH:mm:ss", "2026-11-20T12:00:00"),
        ("yyyy-MM-dd HH:mm:ss", "2026-W47-5 12:00:00"),
        ("yyyyMMddHHmmss", "2026112012000"),
        ("rfc3339", "2026-11-20T12:00:00+0800"),
        ("epoch_ms", "1795147200"),
        ("epoch_ms", -1),
        ("excel_serial", "20261120"),
    ],
)
def test_forms_are_strict(form: str, raw: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of its kinds
        FORMS[form](raw)


def test_the_first_form_that_fits() -> None:
    read = reader(("yyyyMMddHHmmss", "excel_serial"))
    assert read("20261120120000") == read("46346.5") == NOON
    with pytest.raises(UnparsableError):
        read(NOON)


def test_a_day_is_never_midnight() -> None:
    for raw in ("2026-11-20", "20261120", "2026/11/20", "2026年11月20日"):
        assert is_date_only(raw, ())
    assert is_date_only("46346", ("excel_serial",))
    assert not is_date_only("46346", ())
    assert not is_date_only(NOON, ())


@given(st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(9998, 1, 1)))  # noqa: DTZ001
def test_wire_form_round_trips(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    assert at(to_wire(moment)) == moment
    assert to_wire(moment.replace(tzinfo=UTC)) == to_wire(moment)
