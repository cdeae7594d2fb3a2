"""What the one string holds, both ways."""

from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hotline.codec import decode, encode, many, one

NAMES = ["externalId", "content", "dueTime"]


@given(
    st.sampled_from(["xml", "json"]),
    st.fixed_dictionaries({name: st.text(st.characters(codec="utf-8"), max_size=60) for name in NAMES}),
)
def test_what_is_written_is_read_back(codec: Literal["xml", "json"], fields: dict[str, str]) -> None:
    node = decode(codec, encode(codec, "order", fields))
    for name, value in fields.items():
        legal = "".join(c for c in value if c in "\t\n\r" or " " <= c not in "\ufffe\uffff")
        expected = legal if codec == "xml" else value
        read = many(node, name)
        assert [text.strip() for text in read if isinstance(text, str)] == [expected.strip()]


def test_paths_find_one_and_many_alike() -> None:
    xml = (
        "<result><code> 0 </code><orders><order><no>1</no></order><order><no>2</no></order></orders><message/></result>"
    )
    json = '{"code": 0, "orders": {"order": [{"no": "1"}, {"no": 2}]}, "message": null}'
    for node in (decode("xml", xml), decode("json", json)):
        assert one(node, "code") == "0"
        assert one(node, "message") is one(node, "absent") is one(node, "orders/none") is None
        assert [one(order, "no") for order in many(node, "orders/order")] == ["1", "2"]


@pytest.mark.parametrize(
    "text", ["", "plain", "<a><b></a>", "<!DOCTYPE a><a/>", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "<a>" * 5000]
)
def test_what_is_no_xml_is_nothing(text: str) -> None:
    assert decode("xml", text) is None


def test_what_is_no_json_is_nothing() -> None:
    assert decode("json", "{") is None
    assert decode("json", "[" * 100_000) is None
