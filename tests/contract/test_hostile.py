"""A source that means harm, or is as broken as if it did: nothing is followed, nothing grows, nothing is told on."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import connectors
from gateway.errors import Misconfigured, Transient
from gateway.settings import Connection
from tests.contract.proof import proved
from tests.contract.rigs import LOOPBACK, PAGE, record
from tests.contract.web_rigs import WINDOW, soap_options, source
from tests.contract.wire import HttpDouble, Reply, Request, as_json

proved({"rest", "soap", "hotline"}, "hostile")
NAME = "张三丰"
ROWS = [record(1), record(2)]
CURSOR = {"by": "cursor", "size": PAGE, "next": "next"}
JSON = {"path": "/list", "paging": CURSOR, "envelope": {"success": {"code": 0}, "records": "rows"}}
XML = {**JSON, "format": "xml", "envelope": {"records": "rows.row"}}
SOAP = soap_options(
    "rpc",
    binding="{urn:county}ListRpc",
    operation="listRatings",
    arguments={"since": "{since}", "page": "{page}", "size": "{size}"},
    result={"codec": "elements", "code": None, "total": None, "records": "return/row", "moment": "updatedAt"},
)

HOTLINE = {"take": {"what": "ratings", "operation": "listRatings", "records": "ratings/rating", "moment": "updatedAt"}}
ENVELOPES = {"soap": SOAP, "hotline": HOTLINE}


@pytest.fixture
def prey() -> Iterator[HttpDouble]:
    """An address inside that a hostile answer would like to reach."""
    double = HttpDouble(lambda _: as_json({"secret": 1}))
    yield double
    double.close()


def pull(kind: str, options: dict[str, Any], answer: Callable[[Request], Reply]) -> list[Any]:
    double = HttpDouble(answer)
    at = Connection(schema="http", host=LOOPBACK, port=double.port, login="gw", password="right")  # type: ignore[arg-type,call-arg]
    made = connectors.build(source(kind, **options), at, LOOPBACK)
    try:
        return list(made.pages(None, lambda _: False))
    finally:
        made.close()
        double.close()


def entity(prey: HttpDouble) -> bytes:
    return f'<!DOCTYPE r [<!ENTITY x SYSTEM "{prey.url}/x">]><r><rows><row>&x;</row></rows></r>'.encode()


def test_a_redirect_is_not_followed(prey: HttpDouble) -> None:
    for kind, options in {"rest": JSON, **ENVELOPES}.items():
        with pytest.raises((Misconfigured, Transient)):
            pull(kind, options, lambda _: Reply(302, headers={"Location": f"{prey.url}/x"}))
    assert prey.connections == 0


@pytest.mark.parametrize("form", ["{prey}/x", "//{host}/x", "file:///etc/passwd", "http://169.254.169.254/x"])
def test_a_link_to_another_host_is_not_followed(prey: HttpDouble, form: str) -> None:
    options = {**JSON, "paging": {"by": "link", "next": "next"}}
    link = form.format(prey=prey.url, host=f"127.0.0.1:{prey.port}")
    with pytest.raises(Misconfigured, match=r"rest\.link_elsewhere"):
        pull("rest", options, lambda _: as_json({"code": 0, "rows": ROWS, "next": link}))
    assert prey.connections == 0


@pytest.mark.parametrize("kind", ["rest", *ENVELOPES])
def test_external_entities_are_neither_loaded_nor_read(prey: HttpDouble, kind: str) -> None:
    body = entity(prey)
    if kind in ENVELOPES:
        body = body.replace(b"<r><rows>", b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>')
        body = body.replace(b"</rows></r>", b"</s:Body></s:Envelope>")
    with pytest.raises(Transient, match=r"garbled|soap\.(entities|dtd)"):
        pull(kind, ENVELOPES.get(kind, XML), lambda _: Reply(200, body, "text/xml"))
    assert prey.connections == 0


def test_a_fetched_wsdl_of_another_content_or_with_imports_is_refused(prey: HttpDouble) -> None:
    options = {**SOAP, "wsdl_file": None, "wsdl_url": "/ws?wsdl"}
    imports = (
        f'<d:definitions xmlns:d="http://schemas.xmlsoap.org/wsdl/"><d:import location="{prey.url}"/></d:definitions>'
    )
    with pytest.raises(Misconfigured, match=r"soap\.wsdl_changed"):
        pull("soap", options, lambda _: Reply(200, imports.encode(), "text/xml"))
    assert prey.connections == 0


def test_a_bomb_stops_at_the_cap_with_little_memory() -> None:
    bomb = gzip.compress(b"0" * 64_000_000, 9)
    limits = {"connect": 2, "read": 2, "total": 5, "max_bytes": 65_536}
    tracemalloc.start()
    with pytest.raises(Transient, match=r"net\.too_large"):
        pull("rest", {**JSON, "limits": limits}, lambda _: Reply(200, bomb, headers={"Content-Encoding": "gzip"}))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 32_000_000


def test_pages_without_records_and_without_end_are_left() -> None:
    asked = iter(range(10_000))
    windowed = {**JSON, "paging": {**CURSOR, "window": WINDOW}}
    with pytest.raises(Transient, match=r"paging\.endless"):
        pull("rest", windowed, lambda _: as_json({"code": 0, "rows": [], "next": str(next(asked))}))
    assert next(asked) < 300


def test_a_cursor_or_a_page_that_stands_still_is_left() -> None:
    with pytest.raises(Transient, match=r"rest\.cursor_stuck"):
        pull("rest", JSON, lambda _: as_json({"code": 0, "rows": ROWS, "next": "same"}))
    with pytest.raises(Misconfigured, match=r"paging\.page_ignored"):
        pull("rest", {**JSON, "paging": {"by": "page"}}, lambda _: as_json({"code": 0, "rows": ROWS}))


def test_a_total_that_lies_ends_the_pull() -> None:
    options = {**JSON, "paging": {"by": "page"}, "envelope": {"records": "rows", "total": "total"}}
    page = {"1": ROWS, "2": [record(3)]}
    with pytest.raises(Transient, match=r"paging\.unstable"):
        pull("rest", options, lambda asked: as_json({"rows": page.get(asked.query["page"], []), "total": 99}))


def test_records_outside_the_span_asked_for_are_told() -> None:
    options = {**JSON, "paging": {"by": "page", "window": WINDOW}}
    old = {**record(1), "updatedAt": "2019-01-01 00:00:00"}
    with pytest.raises(Misconfigured, match=r"paging\.outside"):
        pull("rest", options, lambda _: as_json({"code": 0, "rows": [old]}))


def test_a_flood_of_headers_is_cut() -> None:
    flood = {f"X-{number}": "x" for number in range(500)}
    with pytest.raises(Transient):
        pull("rest", JSON, lambda _: as_json({"code": 0, "rows": []}, headers=flood))


def test_cookies_are_not_kept() -> None:
    seen: list[str | None] = []

    def answer(request: Request) -> Reply:
        seen.append(request.headers.get("cookie"))
        following = str(len(seen)) if len(seen) < 3 else None
        return as_json({"code": 0, "rows": [record(len(seen))], "next": following}, headers={"Set-Cookie": "a=b"})

    assert len(pull("rest", JSON, answer)) == 3
    assert seen == [None] * 3


@pytest.mark.parametrize(
    "answer",
    [
        as_json({"code": f"{NAME}的手机号 13800138000 不存在"}),
        as_json({"code": NAME}),
        as_json({"code": "13800138000"}),
        as_json({"code": 0, "rows": NAME}),
        as_json({"code": 0, "rows": [{"id": NAME}], "next": {"name": NAME}}),
        Reply(400, json.dumps({"message": NAME}).encode()),
        Reply(200, f"<html>{NAME}</html>".encode(), "text/html"),
    ],
)
def test_what_it_says_of_people_is_not_repeated(answer: Reply) -> None:
    with pytest.raises((Misconfigured, Transient)) as failure:
        pull("rest", JSON, lambda _: answer)
    told = f"{failure.value!s} {failure.value.params}"
    assert "张" not in told
    assert "138" not in told


FAULT = f"<s:Fault><faultcode>s:Server</faultcode><faultstring>{NAME}，13800138000</faultstring></s:Fault>"
TOLD = f"<listRatingsResponse><return>&lt;r>&lt;code>{NAME}&lt;/code>&lt;/r></return></listRatingsResponse>"


@pytest.mark.parametrize(
    ("kind", "inside"),
    [(kind, inside) for kind in ENVELOPES for inside in (FAULT, f"<{NAME}/>")] + [("hotline", TOLD)],
)
def test_nor_what_an_envelope_says_of_them(kind: str, inside: str) -> None:
    body = f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{inside}</s:Body></s:Envelope>'
    with pytest.raises((Misconfigured, Transient)) as failure:
        pull(kind, ENVELOPES[kind], lambda _: Reply(200, body.encode(), "text/xml; charset=utf-8"))
    told = f"{failure.value!s} {failure.value.params}"
    assert "张" not in told
    assert "138" not in told
