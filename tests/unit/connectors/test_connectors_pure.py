"""The parts of net and connectors that need no server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from connectors.bodies import JsonBody
from connectors.rest.auth import XTif
from connectors.rest.envelope import judge
from connectors.rest.options import Envelope
from connectors.rest.request import Asked
from gateway.errors import Misconfigured, Transient
from gateway.messages import catalogue
from gateway.net.ahead import Ahead
from gateway.net.answer import Answer, retry_after
from gateway.net.http import FAILURES

VECTOR = Path(__file__).resolve().parents[2] / "vectors" / "x_tif.json"
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("Fri, 20 Nov 2026 12:02:00 GMT", 120),
        ("Fri, 20 Nov 2026 12:02:00 -0000", 120),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("99999999999", 86_400),
        ("soon", None),
        ("-5", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_in_both_forms(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, NOON) == seconds


def test_x_tif_headers_match_the_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    vector = json.loads(VECTOR.read_text(encoding="utf-8"))
    monkeypatch.setattr("connectors.rest.auth.secrets.token_hex", lambda _: vector["nonce"])
    scheme = XTif("paas", vector["paasToken"], clock=lambda: float(vector["timestamp"]) + 0.9)
    headers = scheme.admit(Asked("GET", "/", "query")).headers
    assert headers["x-tif-timestamp"] == vector["timestamp"]
    assert headers["x-tif-signature"] == vector["signature_sha256_hex"]


ANSWER = Answer(200, {}, b"", "host:443/x")


def opened(body: bytes) -> JsonBody:
    return JsonBody(body, ANSWER)


def test_records_are_split_and_kept_byte_for_byte() -> None:
    body = '{"code":0,"data":{"list":[ {"t":"2026", "n": 1.10} ,{"t":7,"汉":"㐂"}]}}'.encode()
    assert judge(opened(body), Envelope(success={"code": 0}), ANSWER)
    found = opened(body).records("data.list")
    assert [each.strip() for each in found] == [b'{"t":"2026", "n": 1.10}', '{"t":7,"汉":"㐂"}'.encode()]
    assert [JsonBody.moment(each, "t") for each in found] == ["2026", 7]
    assert JsonBody.moment(found[0], "a.b") is None


@pytest.mark.parametrize("code", ['"0"', "false", "1", "null"])
def test_success_is_exact(code: str) -> None:
    with pytest.raises(Transient, match=r"rest\.unsuccessful"):
        judge(opened(f'{{"code":{code}}}'.encode()), Envelope(success={"code": 0}), ANSWER)


def test_a_missing_list_is_an_error_and_null_is_empty() -> None:
    assert opened(b'{"list":null}').records("list") == []
    for body in (b"{}", b'{"list":{}}'):
        with pytest.raises(Misconfigured, match=r"rest\.no_records"):
            opened(body).records("list")


@pytest.mark.parametrize("body", [b"[1]", b'{"a":', b'{"a":"\xff"}', b""])
def test_bytes_that_are_no_json_object_are_transient(body: bytes) -> None:
    with pytest.raises(Transient, match=r"net\.not_json"):
        opened(body).value("a")


def test_read_ahead_keeps_order_and_raises_in_place() -> None:
    def source() -> Iterator[int]:
        yield from range(10)
        raise Transient("net.cut")

    ahead = Ahead(source(), 4)
    assert list(islice(ahead, 10)) == list(range(10))
    with pytest.raises(Transient, match=r"net\.cut"):
        next(ahead)


def test_read_ahead_is_bounded_and_ends_with_its_consumer() -> None:
    fetched = []

    def source() -> Iterator[int]:
        for number in range(1000):
            fetched.append(number)
            yield number

    ahead = Ahead(source(), 4)
    assert next(ahead) == 0
    ahead.close()
    assert len(fetched) <= 7
    assert not [thread for thread in threading.enumerate() if thread.name == "read-ahead"]


def test_what_is_at_hand_is_gathered_and_an_error_waits_for_its_place() -> None:
    def source() -> Iterator[int]:
        yield from range(3)
        raise Transient("net.cut")

    ahead = Ahead(source(), 4)
    assert list(ahead.gathered(next(ahead), 60)) == [0, 1, 2]
    with pytest.raises(Transient, match=r"net\.cut"):
        next(ahead)


def test_nothing_is_gathered_where_nothing_is_read_ahead() -> None:
    ahead = Ahead(iter(range(3)), 0)
    assert [list(ahead.gathered(item, 60)) for item in ahead] == [[0], [1], [2]]


@pytest.mark.parametrize("code", sorted({code for _, code in FAILURES} | {"net.deadline", "net.unreachable"}))
def test_every_way_to_fail_has_a_sentence(code: str) -> None:
    assert code in catalogue("zh")
    assert code in catalogue("en")
