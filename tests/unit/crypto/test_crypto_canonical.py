from __future__ import annotations

import datetime
import enum
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.canonical import canonical_json, parse_canonical
from gateway.errors import Rejected

SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
LARGEST = 2**53 - 1

texts = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from([*map(chr, range(0x21)), *'"\\/\x7f𠮷\u2028é'])
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)


def slow(value: Any) -> str:
    """The page's definition, word for word."""
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case int():
            return str(value)
        case str():
            return '"' + "".join(SHORT.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in value) + '"'
        case list():
            return "[" + ",".join(map(slow, value)) + "]"
        case _:
            keys = sorted(value, key=lambda key: key.encode())
            return "{" + ",".join(f"{slow(key)}:{slow(value[key])}" for key in keys) + "}"


@given(values)
def test_it_is_the_slow_reference_and_reads_back(value: Any) -> None:
    assert canonical_json(value) == slow(value).encode()
    assert parse_canonical(canonical_json(value)) == value


def test_every_character_is_escaped_as_the_page_says() -> None:
    everything = "".join(chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    assert canonical_json(everything) == slow(everything).encode()


def test_keys_stand_in_the_order_of_their_utf8_bytes() -> None:
    keys = ["\U00020bb7", "\uffee", "é", "z", "Z", "", "a\0", "a", "aa"]  # UTF-16 order would put U+20BB7 first
    assert list(json.loads(canonical_json(dict.fromkeys(keys, 1)))) == sorted(keys, key=str.encode)


class Colour(enum.Enum):
    RED = 1


class Text(str):
    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        float("nan"),
        {"a": [{"b": 1e300}]},
        2**53,
        -(2**53),
        2**70,
        "\ud800",
        {"\udfff": 1},
        {1: 2},
        {None: 1},
        (1,),
        {1},
        b"bytes",
        Colour.RED,
        {"a": Text("b")},
        {Text("a"): 1},
        datetime.date(2026, 1, 1),
    ],
    ids=repr,
)
def test_what_has_no_canonical_form_is_refused(value: Any) -> None:
    with pytest.raises(Rejected) as refused:
        canonical_json(value)
    assert refused.value.code == "canonical.unrepresentable"


def test_nesting_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(Rejected):
        canonical_json(endless)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'{"b":1,"a":1}',
        b" 1",
        b"1 ",
        b"1\n",
        b'{"a": 1}',
        b"1.0",
        b"1.5",
        b"-0",
        b"01",
        b"+1",
        b"1e3",
        b"1E3",
        b"NaN",
        b"Infinity",
        b"9007199254740992",
        b"-9007199254740992",
        b"99999999999999999999999",
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u000A"',
        b'"\\u000a"',
        b'"\\u001F"',
        b'"\x1f"',
        b'"\\ud800"',
        b'"\\ud842\\udfb7"',
        b'"\xed\xa0\x80"',
        b'"\xff"',
        b'"\xc0\x80"',
        b"\xef\xbb\xbf1",
        b"",
        b"[1,]",
        b"[" * 100_000,
        b"[" * 300 + b"]" * 300,
        b"[1]x",
        b"// c\n1",
        b"'a'",
    ],
    ids=lambda data: repr(data[:24]),
)
def test_what_is_not_canonical_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected) as refused:
        parse_canonical(data)
    assert refused.value.code == "canonical.refused"


def test_the_widest_integers_pass() -> None:
    assert parse_canonical(b"[-9007199254740991,0,9007199254740991]") == [-LARGEST, 0, LARGEST]


@given(values)
def test_another_spelling_of_a_value_is_refused(value: Any) -> None:
    for spelling in (json.dumps(value), json.dumps(value, ensure_ascii=False), json.dumps(value, indent=1)):
        if spelling.encode() != canonical_json(value):
            with pytest.raises(Rejected):
                parse_canonical(spelling.encode())


def test_errors_carry_nothing_of_the_value() -> None:
    with pytest.raises(Rejected) as refused:
        parse_canonical(b'{"name":"\xe5\xbc\xa0\xe4\xb8\x89", }')
    assert not refused.value.params
    assert "张三" not in repr(refused.value)
