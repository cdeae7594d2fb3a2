"""What is shown of foreign requests and answers: structure, short codes, times; nothing that may be somebody's."""

from __future__ import annotations

import json

import pytest

from gateway.net.tap import Exchange
from gateway.onboarding import masking

PERSONAL = ("王小明", "Wang", "13912345678", "511602190001011234", "a@b.cn", "窗口态度差")
SECRETS = ("s3cret-token-value", "Basic dXNlcjpwYXNz", "0123456789abcdef")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"data": [{"name": value, value if value.isdigit() else "k": 1} for value in PERSONAL]}).encode(),
        ("<r>" + "".join(f"<row><name>{value}</name></row>" for value in PERSONAL) + "</r>").encode(),
        ("<Envelope><out>" + "&lt;r&gt;&lt;n&gt;王小明&lt;/n&gt;&lt;/r&gt;" + "</out></Envelope>").encode(),
        "name=王小明&mobile=13912345678".encode(),
        "姓名,手机\r\n王小明,13912345678".encode("gb18030"),
        b"\xff\xfe\x00broken",
    ],
)
def test_no_personal_value_is_shown(body: bytes) -> None:
    exchange = Exchange("POST", "http://h/p?token=s3cret-token-value&mobile=13912345678", {}, body, 200, {}, body)
    told = json.dumps([masking.request(exchange), masking.answer(exchange)], ensure_ascii=False)
    assert [value for value in (*PERSONAL, *SECRETS) if value in told] == []


def test_no_secret_of_a_header_is_shown() -> None:
    names = ("Authorization", "X-Api-Key", "x-tif-signature", "Cookie")
    headers = {name: SECRETS[index % len(SECRETS)] for index, name in enumerate(names)}
    told = json.dumps(masking.headers({**headers, "Content-Type": "application/json"}))
    assert [value for value in SECRETS if value in told] == []
    assert "application/json" in told


def test_what_an_engineer_needs_is_shown() -> None:
    body = b'{"code":0,"message":"ok","data":{"total":2,"list":[{"status":"1","time":"2026-11-20 08:00:00"},{}]}}'
    assert masking.body(body) == {
        "code": 0,
        "message": "ok",
        "data": {"total": 2, "list": [{"status": "1", "time": "2026-11-20 08:00:00"}, "…共 2 项"]},
    }
