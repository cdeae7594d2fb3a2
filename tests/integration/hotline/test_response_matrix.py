"""Every row of the response matrix of 12345 interfaces, over real HTTP on loopback: what do we conclude?"""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

import pytest

from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.hotline.calls import Created, Hotline, OrderContent
from gateway.hotline.profile import HotlineProfile, Timeouts, load_profile
from gateway.net.soap import Outcome, SoapService, SoapTimeouts
from gateway.settings import Connection
from tests.integration.hotline.wire import (
    ENVELOPE,
    NAMESPACE,
    cut,
    drip,
    envelope,
    http,
    returned,
    send,
    serving,
    silent,
)

TARGETS = Path(__file__).parents[3] / "targets"
PROFILE = load_profile(TARGETS / "hotline.yaml").model_copy(
    update={"timeouts": Timeouts(connect=2, read=0.3, wall=0.6), "refusal_faults": ("E-REFUSED",)}
)
ORDER = OrderContent(
    *("HCP-511602-1-1", "511602000000", "11511602MB1234567X", "区医保局", "1", "101", "排队\x0b太久"),
    *("P1", "登记", "张三", "13800001234", "2026-11-20T09:00:00+08:00", "2026-12-05T09:00:00+08:00"),
)
OK = "<result><code>0</code><message>保存成功</message><orderNo>DH1</orderNo></result>"
DUPLICATE = "<result><code>2</code><message>外部编号不可重复</message><orderNo>DH1</orderNo></result>"
REFUSED = "<result><code>1</code><message>必填项缺失</message></result>"
FAULT_12 = "http://www.w3.org/2003/05/soap-envelope"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def fault(text: str) -> bytes:
    inner = f"<s:Fault><faultcode>s:Server</faultcode><faultstring>{text}</faultstring></s:Fault>"
    return envelope(inner).encode()


NORMAL = returned(escaped(OK))
HTML = b"<html><body><h1>oops</h1></body></html>"
ROWS = {
    "normal value": (http(200, NORMAL.encode()), "success"),
    "CDATA": (http(200, returned(f"<![CDATA[{OK}]]>").encode()), "success"),
    "GBK": (http(200, ('<?xml version="1.0" encoding="GBK"?>' + NORMAL).encode("gbk"), "text/xml"), "success"),
    "GBK by header": (http(200, NORMAL.encode("gbk"), "text/xml; charset=GBK"), "success"),
    "BOM": (http(200, b"\xef\xbb\xbf" + NORMAL.encode()), "success"),
    "qualified return": (http(200, NORMAL.replace("return>", "n:return>").encode()), "success"),
    "no namespace": (
        http(200, envelope(f"<createOrderResponse><return>{escaped(OK)}</return></createOrderResponse>").encode()),
        "success",
    ),
    "inner declaration": (
        http(200, returned(escaped('<?xml version="1.0" encoding="GBK"?>' + OK)).encode()),
        "success",
    ),
    "duplicate": (http(200, returned(escaped(DUPLICATE)).encode()), "success"),
    "refused": (http(200, returned(escaped(REFUSED)).encode()), "refused"),
    "success without number": (
        http(200, returned(escaped("<result><code>0</code></result>")).encode()),
        "unknown",
    ),
    "code nobody listed": (http(200, returned(escaped("<result><code>77</code></result>")).encode()), "unknown"),
    "other response element": (http(200, returned(escaped(OK), "queryOrderResponse").encode()), "unknown"),
    "no return": (
        http(200, envelope(f'<n:createOrderResponse xmlns:n="{NAMESPACE}"/>').encode()),
        "unknown",
    ),
    "nil": (
        http(
            200,
            NORMAL.replace(
                "<return>", '<return xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:nil="true">'
            ).encode(),
        ),
        "unknown",
    ),
    "XML nested unescaped": (http(200, returned(OK).encode()), "success"),
    "extra element": (http(200, NORMAL.replace("</return>", "</return><more>1</more>").encode()), "success"),
    "illegal reference": (http(200, NORMAL.replace("保存", "保&#x0B;存").encode()), "success"),
    "newline first": (http(200, b'\n<?xml version="1.0"?>' + NORMAL.encode()), "success"),
    "truncated": (http(200, NORMAL.encode()[:-25]), "unknown"),
    "shorter than declared": (http(200, NORMAL.encode(), Content_Length="9999"), "unknown"),
    "empty Body": (http(200, envelope("").encode()), "unknown"),
    "SOAP 1.2 envelope": (http(200, NORMAL.replace(ENVELOPE, FAULT_12).encode()), "success"),
    "fault 500": (http(500, fault("Server too busy")), "unknown"),
    "fault 200": (http(200, fault("Server too busy")), "unknown"),
    "listed fault 500": (http(500, fault("E-REFUSED by rule")), "refused"),
    "listed fault 200": (http(200, fault("E-REFUSED by rule")), "refused"),
    "listed fault of 1.2 shape": (
        http(
            500,
            envelope("<s:Fault><s:Code><s:Value>E-REFUSED</s:Value></s:Code></s:Fault>").encode(),
        ),
        "refused",
    ),
    "500 with a normal response": (http(500, NORMAL.encode()), "unknown"),
    "HTML 404": (http(404, HTML, "text/html"), "refused"),
    "HTML 500": (http(500, HTML, "text/html"), "unknown"),
    "HTML 502": (http(502, HTML, "text/html"), "unknown"),
    "malformed HTML 500": (http(500, b"<html><br><p>", "text/html"), "unknown"),
    "login page 200": (http(200, HTML, "text/html"), "unknown"),
    "JSON 200": (http(200, b'{"code":"0","orderNo":"DH1"}', "application/json"), "unknown"),
    "text 429": (http(429, b"slow down", "text/plain", Retry_After="7"), "refused"),
    "text 503": (http(503, b"later", "text/plain"), "unknown"),
    "401": (http(401), "refused"),
    "408": (http(408), "unknown"),
    "409 with duplicate": (http(409, returned(escaped(DUPLICATE)).encode()), "success"),
    "409 else": (http(409, HTML, "text/html"), "unknown"),
    "empty 500": (http(500), "unknown"),
    "empty 200": (http(200), "unknown"),
    "empty 201": (http(201), "unknown"),
    "empty 202": (http(202), "unknown"),
    "202 with a normal response": (http(202, NORMAL.encode()), "unknown"),
    "302": (http(302, b"", "text/html", Location="http://127.0.0.1:1/login"), "unknown"),
    "DTD": (http(200, ("<!DOCTYPE a>" + NORMAL).encode()), "unknown"),
    "DTD entity": (http(200, ('<!DOCTYPE a [<!ENTITY e "0">]>' + NORMAL.replace("成功", "&e;")).encode()), "unknown"),
}


def create(url: str, profile: HotlineProfile = PROFILE) -> Created:
    connection = Connection.model_validate({"host": url.removesuffix("/ws"), "password": "secret-token"})
    return Hotline(profile, connection, "127.0.0.1", TARGETS).create(ORDER)


@pytest.mark.parametrize("row", ROWS)
def test_answer(row: str) -> None:
    answer, expected = ROWS[row]
    with serving(send(answer)) as server:
        created = create(server.url)
    assert created.conclusion.outcome == expected, created.conclusion
    assert (created.order_no == "DH1") == (expected == "success")
    assert server.posts == 1


def test_who_must_look_and_when_to_return() -> None:
    for row, alert, retry in [("401", True, None), ("DTD entity", True, None), ("text 429", False, 7.0)]:
        with serving(send(ROWS[row][0])) as server:
            said = create(server.url).conclusion
        assert (said.alert, said.retry_after) == (alert, retry), row


def test_json_counts_when_the_profile_says_json() -> None:
    with serving(send(ROWS["JSON 200"][0])) as server:
        created = create(server.url, PROFILE.model_copy(update={"codec": "json"}))
    assert (created.conclusion.outcome, created.order_no) == (Outcome.SUCCESS, "DH1")


def test_connection_refused_is_certainly_not_sent() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        said = create(f"http://127.0.0.1:{closed.getsockname()[1]}/ws").conclusion
    assert (said.outcome, said.code) == (Outcome.REFUSED, "soap.not_sent")


@pytest.mark.parametrize("script", [cut, silent(0.5)], ids=["dropped after send", "later than the timeout"])
def test_no_answer_is_unknown(script: object) -> None:
    with serving(script) as server:  # type: ignore[arg-type]
        said = create(server.url).conclusion
    assert (said.outcome, said.code, server.posts) == (Outcome.UNKNOWN, "soap.no_answer", 1)


def test_the_wall_clock_cuts_dripping_bytes_of_head_and_body() -> None:
    for answer in (http(200, NORMAL.encode()), NORMAL.encode() * 2):
        with serving(drip(answer, 0.05)) as server:
            said = create(server.url).conclusion
        assert (said.outcome, said.code, said.detail) == (Outcome.UNKNOWN, "soap.no_answer", "wall_clock")


def test_a_slow_answer_within_the_wall_clock_counts() -> None:
    with serving(drip(http(200, NORMAL.encode()), 0.0005)) as server:
        patient = PROFILE.model_copy(update={"timeouts": Timeouts(connect=2, read=0.3, wall=30)})
        assert create(server.url, patient).order_no == "DH1"


def service(endpoint: str, **changed: object) -> SoapService:
    arguments: dict[str, object] = {
        "wsdl": TARGETS / PROFILE.wsdl_file,
        "wsdl_sha256": PROFILE.wsdl_sha256,
        "endpoint": endpoint,
        "binding": PROFILE.binding_qname,
        "allowed_hosts": "127.0.0.1",
        "timeouts": SoapTimeouts(2, 2, 4),
        **changed,
    }
    return SoapService(**arguments)  # type: ignore[arg-type]


def test_too_large_an_answer_is_cut() -> None:
    with serving(send(http(200, b"x" * 5000))) as server, pytest.raises(Transient) as cut_off:
        service(server.url, answer_limit=4096).call("createOrder", token="t", xml="")
    assert cut_off.value.code == "soap.too_large"


def test_only_vendored_allowed_and_promised_things_are_used(tmp_path: Path) -> None:
    here = "http://127.0.0.1:9/ws"
    importing = tmp_path / "importing.wsdl"
    importing.write_text(
        (TARGETS / PROFILE.wsdl_file)
        .read_text(encoding="utf-8")
        .replace("<wsdl:types>", '<wsdl:import namespace="urn:x" location="other.wsdl"/><wsdl:types>'),
        encoding="utf-8",
    )
    digest = hashlib.sha256(importing.read_bytes()).hexdigest()
    for expected, endpoint, changed in [
        ("soap.wsdl_changed", here, {"wsdl_sha256": "0" * 64}),
        ("soap.wsdl_missing", here, {"wsdl": tmp_path / "none.wsdl"}),
        ("soap.wsdl_external", here, {"wsdl": importing, "wsdl_sha256": digest}),
        ("soap.wsdl_invalid", here, {"binding": "{urn:x}None"}),
        ("net.not_allowed", "http://10.0.0.1/ws", {}),
        ("net.plain_http", "http://10.0.0.1/ws", {"allowed_hosts": "10.0.0.1"}),
    ]:
        with pytest.raises(Misconfigured) as refused:
            service(endpoint, **changed)
        assert refused.value.code == expected


def test_errors_carry_neither_token_nor_content() -> None:
    with serving(cut) as server, pytest.raises(GatewayError) as failed:
        service(server.url).call("createOrder", token="secret-token", xml="13800001234")
    chain: BaseException | None = failed.value
    while chain is not None:
        assert "secret-token" not in str(chain)
        assert "13800001234" not in str(chain)
        chain = chain.__cause__ or chain.__context__
