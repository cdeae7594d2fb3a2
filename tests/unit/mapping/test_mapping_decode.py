"""Bytes to source records: every form, and never anything but records or page.undecodable."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Rejected
from gateway.mapping.decode import decode
from gateway.mapping.spec import Reading
from gateway.mapping.text import NotAScalarError, text

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ROWS = "编号,姓名\r\n001,䶮㐂\r\n002,NA\r\n"
EXPECTED = [{"编号": "001", "姓名": "䶮㐂"}, {"编号": "002", "姓名": "NA"}]


def read(body: bytes, media_type: str, **reading: str) -> list[object]:
    return decode(body, media_type, Reading(**reading))


def reason(body: bytes, media_type: str, **reading: str) -> object:
    with pytest.raises(Rejected) as refused:
        read(body, media_type, **reading)
    assert refused.value.code == "page.undecodable"
    return refused.value.params["reason"]


def test_json_lists() -> None:
    assert read(b'{"data":{"list":[{"a":1}]}}', "application/json; charset=utf-8", list="data.list") == [{"a": 1}]
    assert read(b"[]", "application/json") == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"{", "json"), (b"{}", "list"), (b'{"data":null}', "list"), (b'{"data":{"list":{}}}', "list"), (b"\xff", "json")],
)
def test_broken_json(body: bytes, expected: str) -> None:
    assert reason(body, "application/json", list="data.list") == expected


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_in_every_encoding(encoding: str) -> None:
    assert read(ROWS.encode(encoding), "text/csv") == EXPECTED


def test_csv_as_declared() -> None:
    assert read(ROWS.encode("gb18030"), "text/csv; charset=GB2312") == EXPECTED
    assert read(ROWS.encode("utf-8-sig"), "text/csv", encoding="utf-8") == EXPECTED
    assert reason(ROWS.encode("gb18030"), "text/csv; charset=utf-8") == "encoding"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "header"),
        (b"a,a\r\n1,2\r\n", "header"),
        (b"a,\r\n1,2\r\n", "header"),
        (b"a,b\r\n1\r\n", "columns"),
        (b'a,b\r\n"1,2\r\n', "csv"),
        (b"a\r\n\xff\xff\r\n", "encoding"),
    ],
)
def test_broken_csv(body: bytes, expected: str) -> None:
    assert reason(body, "text/csv") == expected


def spreadsheet(*rows: Sequence[Any], formats: Mapping[int, str] = MappingProxyType({}), **options: bool) -> bytes:
    """A workbook with these rows; ``formats`` by column."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, **options})
    page = book.add_worksheet()
    made = {column: book.add_format({"num_format": form}) for column, form in formats.items()}
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                page.write(number, column, value, made.get(column) if number else None)
    book.close()
    return file.getvalue()


MOMENT = "yyyy-mm-dd hh:mm:ss"


def test_spreadsheets_keep_codes_and_times_as_text() -> None:
    head = ("区划", "次数", "时刻", "序列", "备注")
    (row,) = read(spreadsheet(head, ("051160200", 1.0, 46_346.5, 46_346.25, "NA"), formats={2: MOMENT}), XLSX)
    assert row == {"区划": "051160200", "次数": "1", "时刻": "2026-11-20 12:00:00", "序列": "46346.25", "备注": "NA"}


def test_a_day_in_a_spreadsheet_is_no_midnight() -> None:
    for form in (MOMENT, "yyyy-mm-dd"):
        (row,) = read(spreadsheet(("时刻",), (46_346,), formats={0: form}), XLSX)
        assert row == {"时刻": "2026-11-20"}


def test_days_are_counted_as_the_workbook_counts_them() -> None:
    (row,) = read(spreadsheet(("时刻",), (46_346.5 - 1462,), formats={0: MOMENT}, date_1904=True), XLSX)
    assert row == {"时刻": "2026-11-20 12:00:00"}


def test_a_number_in_a_cell_that_lost_its_last_digits_is_seen_to_have() -> None:
    (row,) = read(spreadsheet(("办件编号", "证号"), (999_999_999_999_999, 511602190001011233)), XLSX)
    assert row["办件编号"] == "999999999999999"
    with pytest.raises(NotAScalarError):
        text(row["证号"])


def test_blank_rows_and_columns_without_a_name_say_nothing() -> None:
    body = spreadsheet(("甲", None, "乙"), (None,), ("1", "上", None), (None,), (None, "下", None), ("2", None, "3"))
    assert read(body, XLSX) == [{"甲": "1", "乙": ""}, {"甲": "", "乙": ""}, {"甲": "2", "乙": "3"}]


def test_columns_of_one_name_are_refused_like_those_of_a_csv() -> None:
    assert reason(spreadsheet(("甲", "甲"), ("1", "2")), XLSX) == "header"
    assert reason(spreadsheet(), XLSX) == "header"


def test_a_broken_spreadsheet() -> None:
    assert reason(b"PK\x03\x04 no", XLSX) == "spreadsheet"
    assert reason(b"", XLSX) == "spreadsheet"


INNER = "<result><ratings><rating><no>1</no><text>好 &amp; 快</text></rating><rating><no/></rating></ratings></result>"
RATINGS = [{"no": "1", "text": "好 & 快"}, {"no": ""}]


def test_a_spreadsheet_that_unpacks_without_end_is_not_unpacked() -> None:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as part,
    ):
        for _ in range(257):
            part.write(bytes(1024 * 1024))
    with pytest.raises(Rejected) as refusal:
        decode(packed.getvalue(), XLSX, Reading())
    assert refusal.value.params["reason"] == "too_large"


def test_xml_plain_and_inside_a_soap_answer() -> None:
    assert read(INNER.encode(), "text/xml", element="rating") == RATINGS
    escaped = INNER.replace("&", "&amp;").replace("<", "&lt;")
    envelope = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><h:listRatingsResponse '
        f'xmlns:h="http://hotline.sandbox/ws/"><h:return>{escaped}</h:return></h:listRatingsResponse></s:Body></s:Envelope>'
    )
    assert read(envelope.encode(), "text/xml; charset=utf-8", element="rating") == RATINGS


def test_xml_that_declares_gb2312_but_holds_gb18030() -> None:
    body = '<?xml version="1.0" encoding="GB2312"?>' + INNER.replace("好", "䶮")
    assert read(body.encode("gb18030"), "application/xml", element="rating")[0] == {"no": "1", "text": "䶮 & 快"}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<a>", "xml"),
        ("", "xml"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a><rating><no>&x;</no></rating></a>', "doctype"),
        ("<Envelope><Body><Fault><faultstring>no</faultstring></Fault></Body></Envelope>", "envelope"),
    ],
)
def test_broken_or_hostile_xml(body: str, expected: str) -> None:
    assert reason(body.encode(), "text/xml", element="rating") == expected


def test_an_unknown_media_type() -> None:
    assert reason(b"<html>", "text/html") == "media_type"


@given(st.binary(max_size=300), st.sampled_from(["application/json", "text/csv", "text/xml", XLSX]))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_records_or_undecodable(body: bytes, media_type: str) -> None:
    with suppress(Rejected):
        assert isinstance(read(body, media_type), list)


CELLS = st.lists(st.lists(st.text(max_size=5), min_size=1, max_size=4), max_size=4)


@given(CELLS, st.sampled_from(["utf-8", "gb18030"]))
@settings(max_examples=200, deadline=None)
def test_any_csv_is_records_or_undecodable(cells: list[list[str]], encoding: str) -> None:
    body = "\r\n".join(",".join(row) for row in cells).encode(encoding, "replace")
    with suppress(Rejected):
        assert all(isinstance(record, dict) for record in read(body, "text/csv"))
