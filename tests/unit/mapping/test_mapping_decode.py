"""Bytes to source records: every form, and never anything but records or page.undecodable."""

from __future__ import annotations

import io
import zipfile
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Rejected
from gateway.mapping.decode import decode
from gateway.mapping.spec import Reading

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


def test_spreadsheets_keep_codes_and_times_as_text() -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter")
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = book.add_worksheet()
    for column, name in enumerate(("区划", "次数", "时刻", "序列", "备注")):
        sheet.write_string(0, column, name)
    sheet.write_string(1, 0, "051160200")
    sheet.write_number(1, 1, 1.0)
    sheet.write_number(1, 2, 46_346.5, book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}))
    sheet.write_number(1, 3, 46_346.25)
    sheet.write_string(1, 4, "NA")
    book.close()
    (row,) = read(file.getvalue(), XLSX)
    assert row == {"区划": "051160200", "次数": "1", "时刻": "2026-11-20 12:00:00", "序列": "46346.25", "备注": "NA"}


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
