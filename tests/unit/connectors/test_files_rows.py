"""Rows of text, cut into pages: every row once and in order, the unreadable ones alone."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.sftp_files.rows import charset_of, count_rows, csv_slices, json_slices

FIELD = st.text(st.characters(codec="gb18030", exclude_characters="\r\n"), max_size=6).map(
    lambda text: '"' + text.replace('"', '""').replace("x", "\r\n") + '"'
)
HEADER = "名,文\r\n".encode("gb18030")


def cut(content: bytes, size: int = 3, charset: str = "gb18030") -> list[bytes]:
    return [body for body, _ in csv_slices(content, size, charset)]


@given(st.lists(st.tuples(FIELD, FIELD), max_size=12), st.integers(1, 5), st.sampled_from(["\r\n", "\n"]))
def test_slices_hold_every_row_once_and_in_order(records: list[tuple[str, str]], size: int, end: str) -> None:
    content = (end.join(["名,文", *map(",".join, records)]) + end).encode("gb18030")
    parts = list(csv_slices(content, size, "gb18030"))
    read = [list(csv.reader(io.StringIO(body.decode("gb18030"), newline=""))) for body, _ in parts]
    assert [len(found) - 1 for found in read] == [count for _, count in parts]
    assert all(found[0] == ["名", "文"] and len(found) <= size + 1 for found in read)
    told = [row for found in read for row in found[1:]]
    assert told == list(csv.reader(io.StringIO(content.decode("gb18030"), newline="")))[1:]
    assert count_rows(content, "gb18030") == len(records) == sum(count for _, count in parts)


def test_a_file_that_fits_stays_byte_for_byte() -> None:
    content = HEADER + b"1,a\r\n\r\n2,b\r\n\r\n"
    assert cut(content) == [content]


@pytest.mark.parametrize(
    "bad",
    [b"2,\xff\xff\r\n", b"2\r\n", b"2,b,c\r\n", b'2,"b\r\n', b'2,"b"c\r\n'],
    ids=["bytes", "few", "many", "open", "tail"],
)
def test_a_row_that_cannot_be_read_stands_alone(bad: bytes) -> None:
    content = HEADER + b"1,a\r\n" + bad + b"3,c\r\n4,d\r\n"
    assert cut(content, 10) == [HEADER + b"1,a\r\n", HEADER + bad, HEADER + b"3,c\r\n4,d\r\n"]
    assert count_rows(content, "gb18030") == 4


def test_a_quote_within_a_field_swallows_nothing() -> None:
    content = HEADER + b'1,5" pipe\r\n2,b\r\n3,c\r\n4,d\r\n'
    assert cut(content, 2) == [HEADER + b'1,5" pipe\r\n2,b\r\n', HEADER + b"3,c\r\n4,d\r\n"]


def test_the_end_mark_of_old_systems_is_no_row() -> None:
    assert cut(HEADER + b"1,a\r\n\x1a") == [HEADER + b"1,a\r\n"]
    assert count_rows(HEADER + b"1,a\r\n  \r\n\x1a", "gb18030") == 1


@pytest.mark.parametrize("content", [b"", b"\r\n", HEADER, b"\xff\xff,b\r\n"])
def test_nothing_but_a_header_is_still_a_page(content: bytes) -> None:
    assert cut(content) == [content]


def test_a_file_that_is_wrong_as_a_whole_does_not_become_a_page_a_row() -> None:
    assert len(cut(HEADER + b"1\r\n" * 5000, 1000)) < 1010


@pytest.mark.parametrize(
    ("content", "charset"),
    [
        ("评价,满意".encode(), "utf-8"),
        ("评价,满意".encode("utf-8-sig"), "utf-8"),
        ("评价,㐂䶮𬭁".encode("gb18030"), "gb18030"),
        ("评价,满意".encode("gbk"), "gb18030"),
        ("评价,满意".encode("utf-16"), "utf-16"),
        ("评价\n".encode() + b"\xff\xff\n", "utf-8"),
        ("评价\n".encode("gb18030") + b"\xff\xff\n", "gb18030"),
    ],
)
def test_one_charset_for_the_whole_file(content: bytes, charset: str) -> None:
    assert charset_of(content) == charset


def test_utf16_stays_whole() -> None:
    content = "名,文\r\n1,a\r\n2,b\r\n".encode("utf-16")
    assert list(csv_slices(content, 1, "utf-16")) == [(content, 2)]


@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "utf-16"])
def test_json_lines_become_lists(charset: str) -> None:
    lines = [json.dumps({"n": number, "文": "满意"}, ensure_ascii=False) for number in range(5)]
    parts = list(json_slices("\n".join(lines).encode(charset), 2, charset))
    assert [count for _, count in parts] == [2, 2, 1]
    assert [each["n"] for body, _ in parts for each in json.loads(body)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("bad", [b'{"n":', b"[1]", b'{"n":1}, {"n":2}', b"\xff\xff", b"[" * 100_000])
def test_a_line_that_is_no_object_stands_alone(bad: bytes) -> None:
    content = b'\xef\xbb\xbf{"n":1}\n' + bad + b'\n\n{"n":3}\r\n'
    assert list(json_slices(content, 10, "utf-8")) == [(b'[{"n":1}]', 1), (bad, 1), (b'[{"n":3}]', 1)]
