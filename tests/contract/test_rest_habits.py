"""How REST sources want to be asked: each place for credentials and parameters, seen from the other side."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest

import connectors
from connectors.rest.auth import basic
from gateway.crypto.digest import hmac_sm3, sm3_hex
from gateway.settings import Connection
from tests.contract.rigs import LOOPBACK, record
from tests.contract.web_rigs import source
from tests.contract.wire import HttpDouble, Reply, Request, as_json

Check = Callable[[Request], bool]
LIST = {"path": "/list", "envelope": {"records": "rows", "total": "total"}, "paging": {"by": "page", "size": 5}}
TOKEN = {"data": {"token": "t1"}, "access_token": "t1", "token_type": "bearer", "expires_in": 60}
SIGN = {"algorithm": "hmac_sm3", "text": "{login}|{timestamp}|{nonce}|{query}"}
CARRY = ("login", "timestamp", "nonce", "sign")


def form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}


def pull(options: dict[str, Any], rightly: Check) -> list[Request]:
    """All requests of one pull of a one-page list; ``rightly``: holds for each that asks for data."""

    def answer(request: Request) -> Reply:
        if request.path != "/list":
            return as_json(TOKEN)
        return as_json({"rows": [record(1)], "total": 1}) if rightly(request) else as_json({}, 401)

    double = HttpDouble(answer)
    at = Connection(schema="http", host=LOOPBACK, port=double.port, login="gw", password="right")  # type: ignore[arg-type,call-arg]
    made = connectors.build(source("rest", **{**LIST, **options}), at, LOOPBACK)
    try:
        assert [page.declared for page in made.pages(None, lambda _: False)] == [1]
    finally:
        made.close()
        double.close()
    return double.requests


def signed_over(marks: dict[str, str], query: str) -> bool:
    text = "|".join([*(marks[name] for name in CARRY[:3]), query])
    return marks["login"] == "gw" and marks["sign"] == hmac_sm3(b"right", text.encode()).hex()


@pytest.mark.parametrize(
    ("auth", "rightly"),
    [
        ({"kind": "none"}, lambda asked: "authorization" not in asked.headers),
        ({"kind": "api_key", "header": "X-Key"}, lambda asked: asked.headers["x-key"] == "right"),
        (
            {"kind": "x_tif", "sign_token": False},
            lambda asked: (
                asked.headers["x-tif-signature"]
                == hashlib.sha256(
                    (
                        asked.headers["x-tif-timestamp"]
                        + asked.headers["x-tif-nonce"]
                        + asked.headers["x-tif-timestamp"]
                    ).encode()
                ).hexdigest()
            ),
        ),
        ({"kind": "login", "path": "/in", "query": "token"}, lambda asked: asked.query["token"] == "t1"),
        (
            {"kind": "login", "path": "/in", "header": "X-Token", "prefix": ""},
            lambda asked: asked.headers["x-token"] == "t1",
        ),
        (
            {"kind": "sign", "signing": SIGN, "place": "query"},
            lambda asked: signed_over(asked.query, "page=1&pageSize=5"),
        ),
    ],
    ids=[
        "none",
        "key in a header",
        "x-tif without token",
        "token in the query",
        "token in a header",
        "sign in the query",
    ],
)
def test_credentials_go_where_they_are_wanted(auth: dict[str, Any], rightly: Check) -> None:
    pull({"auth": auth}, rightly)


def test_a_sign_in_the_body_covers_the_other_fields() -> None:
    auth = {"kind": "sign", "signing": SIGN, "place": "body"}
    options = {"method": "POST", "send": "form", "auth": auth}
    pull(options, lambda asked: signed_over(form(asked), "page=1&pageSize=5") and form(asked)["page"] == "1")


@pytest.mark.parametrize("digest", ["md5", "sha256", "sm3"])
def test_a_login_may_want_a_form_and_the_password_as_a_digest(digest: str) -> None:
    auth = {"kind": "login", "path": "/in", "send": "form", "password_digest": digest, "fields": {"app": "hcp"}}
    login, *_ = pull({"auth": auth}, lambda asked: asked.headers["authorization"] == "Bearer t1")
    told = sm3_hex(b"right") if digest == "sm3" else hashlib.new(digest, b"right").hexdigest()
    assert form(login) == {"username": "gw", "password": told, "app": "hcp"}


@pytest.mark.parametrize("where", ["basic", "body"])
def test_oauth2_credentials_stand_in_the_header_or_in_the_body(where: str) -> None:
    auth = {"kind": "oauth2", "path": "/token", "credentials": where}
    token, *_ = pull({"auth": auth}, lambda asked: asked.headers["authorization"] == "Bearer t1")
    inside = {"client_id": "gw", "client_secret": "right"} if where == "body" else {}
    assert form(token) == {"grant_type": "client_credentials", **inside}
    assert token.headers.get("authorization") == (basic("gw", "right")["Authorization"] if where == "basic" else None)


@pytest.mark.parametrize(
    ("send", "read"),
    [
        ("query", lambda asked: asked.query),
        ("json", lambda asked: json.loads(asked.body)),
        ("form", form),
        ("header", lambda asked: {"page": asked.headers["page"], "pageSize": asked.headers["pagesize"]}),
    ],
)
def test_paging_goes_into_query_body_or_header(send: str, read: Callable[[Request], dict[str, Any]]) -> None:
    method = "POST" if send in ("json", "form") else "GET"
    (asked,) = pull({"send": send, "method": method}, lambda _: True)
    assert {name: str(value) for name, value in read(asked).items()} == {"page": "1", "pageSize": "5"}


def test_an_envelope_that_says_expired_has_the_token_renewed_once() -> None:
    seen: list[str] = []

    def answer(request: Request) -> Reply:
        seen.append(request.path)
        if request.path == "/in":
            return as_json({"code": 0, **TOKEN})
        return (
            as_json({"code": 0, "rows": [record(1)], "total": 1})
            if seen.count("/in") == 2
            else as_json({"code": "E401"})
        )

    double = HttpDouble(answer)
    at = Connection(schema="http", host=LOOPBACK, port=double.port, login="gw", password="right")  # type: ignore[arg-type,call-arg]
    envelope = {"success": {"code": 0}, "expired": {"code": ["E401"]}, "records": "rows", "total": "total"}
    options = {**LIST, "auth": {"kind": "login", "path": "/in"}, "envelope": envelope}
    made = connectors.build(source("rest", **options), at, LOOPBACK)
    assert len(list(made.pages(None, lambda _: False))) == 1
    made.close()
    double.close()
    assert seen == ["/in", "/list", "/in", "/list"]
