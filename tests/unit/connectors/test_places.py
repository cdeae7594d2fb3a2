"""One pass finds what a look level by level finds, and leaves everything else to that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.bodies import JsonBody
from gateway.errors import GatewayError
from gateway.net.answer import Answer

ANSWER = Answer(status=200, headers={}, body=b"", address="portal")
SINGLE, SEVERAL = frozenset({"code", "data.total", "data.info.more"}), "data.list"
LEAVES = st.none() | st.booleans() | st.integers(-9, 10**20) | st.text(max_size=4)
RECORDS = st.lists(LEAVES | st.dictionaries(st.text(max_size=3), LEAVES, max_size=2), max_size=4)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "code": LEAVES,
        "other": RECORDS,
        "data": LEAVES
        | RECORDS
        | st.fixed_dictionaries(
            {}, optional={"list": RECORDS | LEAVES, "total": LEAVES, "info": st.fixed_dictionaries({"more": LEAVES})}
        ),
    },
)


def looked(body: JsonBody) -> list[Any]:
    """What is found, or the code of what is said instead."""

    def said(look: Any, path: str) -> Any:
        try:
            return look(path)
        except GatewayError as error:
            return error.code

    return [said(body.value, path) for path in sorted(SINGLE)] + [said(body.records, SEVERAL)]


@given(BODIES | RECORDS | LEAVES, st.sampled_from(["", " ", "}", "\x00"]))
def test_both_ways_find_the_same(document: Any, behind: str) -> None:
    text = (json.dumps(document, ensure_ascii=False) + behind).encode()
    assert looked(JsonBody(text, ANSWER, SINGLE, SEVERAL)) == looked(JsonBody(text, ANSWER))


@pytest.mark.parametrize(
    "text",
    [
        b'{"code": 1, "code": 2, "data": {"list": [1]}, "data": {"total": 3}}',
        b'{"data": {"list": [1], "list": [2, 3]}}',
        b'{"data": {"list": [' + b"[" * 5000 + b"]" * 5000 + b"]}}",
        b'\xff{"code": 1}',
        b"",
    ],
)
def test_odd_texts_are_read_alike(text: bytes) -> None:
    assert looked(JsonBody(text, ANSWER, SINGLE, SEVERAL)) == looked(JsonBody(text, ANSWER))


def test_a_path_through_another_one_is_found_as_well() -> None:
    body = JsonBody(b'{"data": {"list": [{"a": 1}], "n": 2}}', ANSWER, frozenset({"data"}), "data.list")
    assert (body.value("data"), body.records("data.list")) == ({"list": [{"a": 1}], "n": 2}, [b'{"a": 1}'])
