"""REST and SOAP sources of other habits: every paging, every auth, every format, each at least once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from lxml import etree

from gateway.connector import Page
from gateway.crypto import sm2
from gateway.settings import Connection
from schemas.source import SourceFile
from tests.contract.rigs import BRISK, HERE, PAGE, HttpRig
from tests.contract.wire import Reply, Request, as_json

WINDOW = {"since_param": "start", "moment": "updatedAt", "start": "2026-11-20 00:00:00"}
SM2_KEY = HERE.parent / "vectors" / "gbt32918_5_key.pem"
SM4_KEY = "0123456789abcdeffedcba9876543210"
WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"


def source(kind: str, **options: Any) -> SourceFile:
    limits = {"limits": BRISK | {"total": 20, "read": 20}} if kind in ("rest", "soap") else {}  # nothing here drips
    return SourceFile(
        source="some_county",
        name="某县数据源",
        connector=kind,
        connection="some",
        owner="某县行政审批局",
        region="511602000000",
        options=limits | options,
        mapping={},
    )


def refused(status: int = 401) -> Reply:
    return as_json({"code": str(status)}, status)


class ListRig(HttpRig):
    """A list at ``/list``. A subclass says what is asked, how it is paged, and in what form it answers."""

    options: ClassVar[dict[str, Any]]
    faults = frozenset({"cut", "deep"})  # the others meet the transport only

    def __init__(self) -> None:
        super().__init__(source("rest", path="/list", **self.options))

    def ids(self, page: Page) -> list[str]:
        return [each["id"] for each in json.loads(page.body)["rows"]]

    def _handle(self, request: Request) -> Reply:
        return self.answer(request) if self.admitted(request) else refused()

    def admitted(self, request: Request) -> bool:
        raise NotImplementedError

    def answer(self, request: Request) -> Reply:
        raise NotImplementedError

    def between(self, since: str, until: str = "9") -> list[dict[str, str]]:
        return [each for each in self.records if since <= each["updatedAt"] < until]


class PagedRig(ListRig):
    """OAuth2; POST of JSON, a window with both ends, pages from 1, a total."""

    options: ClassVar[dict[str, Any]] = {
        "method": "POST",
        "send": "json",
        "params": {"query.kind": "all"},
        "auth": {"kind": "oauth2", "path": "/oauth/token", "scope": "read"},
        "paging": {
            "by": "page",
            "page_param": "query.page",
            "size_param": "query.size",
            "size": PAGE,
            "window": WINDOW | {"since_param": "query.start", "until_param": "query.end"},
        },
        "envelope": {"success": {"code": "0"}, "records": "rows", "total": "total"},
    }

    def __init__(self) -> None:
        super().__init__()
        self.logins = 0

    def admitted(self, request: Request) -> bool:
        return request.path == "/oauth/token" or request.headers.get("authorization") == f"Bearer {self.token}"

    def answer(self, request: Request) -> Reply:
        if request.path == "/oauth/token":
            self.logins += 1
            asked = parse_qs(request.body.decode())
            assert asked == {"grant_type": ["client_credentials"], "scope": ["read"]}
            if request.headers["authorization"] != "Basic " + base64.b64encode(b"gw:right").decode():
                return as_json({"error": "invalid_client"}, 401)
            return as_json({"access_token": self.token, "token_type": "bearer", "expires_in": 3600})
        query = json.loads(request.body)["query"]
        assert query["kind"] == "all"
        found = self.between(query["start"], query["end"])
        at = (query["page"] - 1) * query["size"]
        return self.spoilt(as_json({"code": "0", "rows": found[at : at + query["size"]], "total": len(found)}))


class OffsetRig(ListRig):
    """API key as a parameter; offsets, no end of the window, no total, XML."""

    options: ClassVar[dict[str, Any]] = {
        "auth": {"kind": "api_key", "query": "key"},
        "paging": {"by": "offset", "size": PAGE, "window": WINDOW},
        "format": "xml",
        "envelope": {"success": {"head.code": "ok"}, "records": "rows.row"},
    }

    def ids(self, page: Page) -> list[str]:
        return [str(each.findtext("id")) for each in etree.fromstring(page.body).iter("row")]

    def admitted(self, request: Request) -> bool:
        return request.query["key"] == "right"

    def answer(self, request: Request) -> Reply:
        at, size = int(request.query["offset"]), int(request.query["limit"])
        found = self.between(request.query["start"])[at : at + size]
        rows = "".join(
            "<row>" + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in each.items()) + "</row>"
            for each in found
        )
        body = f'<?xml version="1.0" encoding="GBK"?><r><head><code>ok</code></head><rows>{rows}</rows></r>'
        return self.spoilt(Reply(200, body.encode("gb18030"), "application/xml"))


class LinkRig(ListRig):
    """Bearer; the next page in a Link header, CSV in GB18030, the window in headers."""

    options: ClassVar[dict[str, Any]] = {
        "auth": {"kind": "bearer"},
        "send": "header",
        "paging": {"by": "link", "window": WINDOW | {"since_param": "X-Start"}},
        "format": "csv",
    }

    def ids(self, page: Page) -> list[str]:
        assert page.media_type == "text/csv; charset=gb18030"
        return [line.split(",")[0] for line in page.body.decode("gb18030").splitlines()[1:]]

    def admitted(self, request: Request) -> bool:
        return request.headers["authorization"] == "Bearer right"

    def answer(self, request: Request) -> Reply:
        since = request.query.get("start") or request.headers["x-start"]
        at, found = int(request.query.get("at", "0")), self.between(since)
        lines = ["id,updatedAt,text", *(",".join(each.values()) for each in found[at : at + PAGE])]
        more = at + PAGE < len(found)
        onward = f"/list?start={since.replace(' ', '%20')}&at={at + PAGE}"
        headers = {"Link": f'<{onward}>; rel="next", </list>; rel="first"'} if more else {}
        body = "".join(f"{line}\r\n" for line in lines).encode("gb18030")
        return self.spoilt(Reply(200, body, "text/csv; charset=GBK", headers))


class SealedRig(ListRig):
    """A signature over each request (HMAC-SHA256); a cursor within the window; the list is SM4-encrypted."""

    options: ClassVar[dict[str, Any]] = {
        "auth": {
            "kind": "sign",
            "signing": {
                "algorithm": "hmac_sha256",
                "text": "{login}{timestamp}{nonce}{query}{body_digest}",
                "timestamp": "milliseconds",
            },
            "carry": {"login": "X-App", "timestamp": "X-Time", "nonce": "X-Nonce", "sign": "X-Sign"},
        },
        "paging": {"by": "cursor", "size": PAGE, "next": "next", "window": WINDOW},
        "envelope": {"success": {"code": 0}, "records": "rows"},
        "cipher": {"algorithm": "sm4_cbc", "at": "data"},
    }

    extra: ClassVar[dict[str, str]] = {"cipher_key": SM4_KEY}

    def connection(self, password: str = "right") -> Connection:
        return super().connection(password).model_copy(update={"extra": self.extra})

    def admitted(self, request: Request) -> bool:
        names = ("x-app", "x-time", "x-nonce")
        query = "&".join(f"{name}={text}" for name, text in sorted(request.query.items()) if text)
        text = "".join(request.headers[name] for name in names) + query + hashlib.sha256(b"").hexdigest()
        right = hmac.new(b"right", text.encode(), "sha256").hexdigest()
        return hmac.compare_digest(right, request.headers["x-sign"])

    def answer(self, request: Request) -> Reply:
        at, found = int(request.query["cursor"] or 0), self.between(request.query["start"])
        onward = at + int(request.query["limit"])
        following = str(onward) if onward < len(found) else None
        return self.spoilt(self.written(found[at:onward], following))

    def written(self, rows: list[dict[str, str]], following: str | None) -> Reply:
        plain = json.dumps({"rows": rows}, ensure_ascii=False).encode()
        iv = hashlib.md5(plain).digest()
        padder = PKCS7(128).padder()
        sealed = iv + sm4(modes.CBC(iv), padder.update(plain) + padder.finalize())
        return as_json({"code": 0, "next": following, "data": base64.b64encode(sealed).decode()})


def sm4(mode: modes.Mode, plain: bytes) -> bytes:
    context = Cipher(algorithms.SM4(bytes.fromhex(SM4_KEY)), mode).encryptor()
    tail = context.update(plain) + context.finalize()
    return tail + context.tag if isinstance(mode, modes.GCM) else tail  # type: ignore[attr-defined]


class SealedWholeRig(SealedRig):
    """The whole body is encrypted, envelope and all: SM4-GCM, in hex."""

    faults = frozenset({"cut"})
    options: ClassVar[dict[str, Any]] = SealedRig.options | {"cipher": {"algorithm": "sm4_gcm", "text": "hex"}}

    def written(self, rows: list[dict[str, str]], following: str | None) -> Reply:
        return Reply(200, self.sealed(json.dumps({"code": 0, "next": following, "rows": rows}).encode()), "text/plain")

    def sealed(self, plain: bytes) -> bytes:
        nonce = hashlib.md5(plain).digest()[:12]
        return (nonce + sm4(modes.GCM(nonce), plain)).hex().encode()


class SealedBySm2Rig(SealedWholeRig):
    """The same by SM2, its bytes as they are."""

    options: ClassVar[dict[str, Any]] = SealedRig.options | {
        "cipher": {"algorithm": "sm2", "text": "raw", "order": "der"}
    }
    extra: ClassVar[dict[str, str]] = {"sm2_key": str(SM2_KEY)}

    def sealed(self, plain: bytes) -> bytes:
        return sm2.encrypt(sm2.load_private(SM2_KEY.read_bytes()).public, plain)


class WholeRig(ListRig):
    """Basic; a list without any time, by page, read whole each time; its envelope differs with every answer."""

    options: ClassVar[dict[str, Any]] = {
        "auth": {"kind": "basic"},
        "paging": {"by": "page", "page_param": "p", "size_param": None, "first": 0},
        "envelope": {"records": "rows", "total_header": "X-Total"},
    }

    def admitted(self, request: Request) -> bool:
        return request.headers["authorization"] == "Basic " + base64.b64encode(b"gw:right").decode()

    def answer(self, request: Request) -> Reply:
        at = int(request.query["p"]) * PAGE
        body = {"trace": self.data_requests, "rows": self.records[at : at + PAGE]}
        return self.spoilt(as_json(body, headers={"X-Total": str(len(self.records))}))


def soap_options(name: str, **options: Any) -> dict[str, Any]:
    path = HERE / "sources" / f"{name}.wsdl"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"wsdl_file": str(path), "wsdl_sha256": digest, "size": PAGE, "start": "2000-01-01 00:00:00", **options}


class SoapJsonRig(HttpRig):
    """SOAP 1.2, document/literal; JSON in the one string both ways; a token in the header and an SM3 sign."""

    faults = ListRig.faults

    def __init__(self) -> None:
        options = soap_options(
            "bound",
            binding="{urn:county}ListSoap12",
            operation="listRatings",
            arguments={"payload": "{query}", "time": "{timestamp}", "sign": "{sign}"},
            headers={"{urn:county:auth}Authorization": "Basic {token}"},
            signing={"algorithm": "sm3", "text": "{login}{timestamp}{secret}", "timestamp": "yyyyMMddHHmmss"},
            query={"codec": "json"},
            result={"codec": "json", "records": "data/rows", "moment": "updatedAt", "total": "data/total"},
        )
        super().__init__(source("soap", **options))

    def ids(self, page: Page) -> list[str]:
        assert page.media_type == "application/json"
        return [each["id"] for each in json.loads(page.body)["data"]["rows"]]

    def _handle(self, request: Request) -> Reply:
        from gateway.crypto.digest import sm3_hex

        assert request.headers["content-type"].startswith("application/soap+xml")
        envelope = etree.fromstring(request.body)
        call = next(iter(envelope.iter("{urn:county}listRatings")))
        when = str(call.findtext("{urn:county}time"))
        signed = call.findtext("{urn:county}sign") == sm3_hex(f"gw{when}right".encode())
        if not signed or envelope.findtext(".//{urn:county:auth}Authorization") != "Basic right":
            return self._string({"code": 401})
        query = json.loads(str(call.findtext("{urn:county}payload")))
        total, found = self.window(query["from"], query["page"], query["size"])
        return self.spoilt(self._string({"code": 0, "data": {"rows": found, "total": total}}))

    def _string(self, value: Any) -> Reply:
        text = escape(json.dumps(value, ensure_ascii=False))
        envelope = (
            '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
            f'<listRatingsResponse xmlns="urn:county"><listRatingsResult>{text}</listRatingsResult>'
            "</listRatingsResponse></s:Body></s:Envelope>"
        )
        return Reply(200, envelope.encode(), "application/soap+xml; charset=utf-8")


class SoapRpcRig(HttpRig):
    """SOAP 1.1, rpc/literal, arguments of their own, a list of elements back; WS-Security username."""

    faults = ListRig.faults

    def __init__(self, **more: Any) -> None:
        options = soap_options(
            "rpc",
            binding="{urn:county}ListRpc",
            operation="listRatings",
            arguments={"since": "{since}", "page": "{page}", "size": "{size}"},
            username_token="text",
            result={"codec": "elements", "code": None, "total": None, "records": "return/row", "moment": "updatedAt"},
        )
        super().__init__(source("soap", **options | more))

    def ids(self, page: Page) -> list[str]:
        return [str(each.findtext("id")) for each in etree.fromstring(page.body).iter("row")]

    def right(self, envelope: etree._Element) -> bool:
        return envelope.findtext(f".//{WSSE}Password") == "right"

    def _handle(self, request: Request) -> Reply:
        if request.method == "GET":
            return Reply(200, (HERE / "sources" / "rpc.wsdl").read_bytes(), "text/xml")
        envelope = etree.fromstring(request.body)
        if envelope.findtext(f".//{WSSE}Username") != "gw" or not self.right(envelope):
            return Reply(401)
        call = next(iter(envelope.iter("{urn:county}listRatings")))
        _, found = self.window(*(kind(str(call.findtext(name))) for name, kind in ASKED))
        rows = "".join(
            "<row>" + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in each.items()) + "</row>"
            for each in found
        )
        body = (
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
            f'<n:listRatingsResponse xmlns:n="urn:county"><return>{rows}</return></n:listRatingsResponse>'
            "</s:Body></s:Envelope>"
        )
        return self.spoilt(Reply(200, body.encode(), "text/xml; charset=utf-8"))


ASKED: tuple[tuple[str, Callable[[str], Any]], ...] = (("since", str), ("page", int), ("size", int))


class DigestRig(SoapRpcRig):
    """The same, the password as a digest over nonce and time (WS-Security UsernameToken 1.1, 3.1)."""

    def __init__(self) -> None:
        super().__init__(username_token="digest")

    def right(self, envelope: etree._Element) -> bool:
        nonce, given = (str(envelope.findtext(f".//{WSSE}{name}")) for name in ("Nonce", "Password"))
        created = str(envelope.findtext(f".//{WSU}Created"))
        whole = base64.b64decode(nonce) + created.encode() + b"right"
        return given == base64.b64encode(hashlib.sha1(whole).digest()).decode()


class FetchedRig(SoapRpcRig):
    """The same, its WSDL fetched from the source."""

    def __init__(self) -> None:
        super().__init__(wsdl_file=None, wsdl_url="/ws?wsdl")


WEB_RIGS = {
    "page": PagedRig,
    "offset": OffsetRig,
    "link": LinkRig,
    "sealed": SealedRig,
    "sealed_whole": SealedWholeRig,
    "sealed_sm2": SealedBySm2Rig,
    "whole": WholeRig,
    "soap_json": SoapJsonRig,
    "soap_rpc": SoapRpcRig,
    "soap_digest": DigestRig,
    "soap_fetched": FetchedRig,
}
