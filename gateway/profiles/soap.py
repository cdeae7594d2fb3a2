"""``fj-soap`` (interfaces, section 4): SOAP 1.1 with a token in its header, the body under SM4-ECB."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from lxml import etree

from gateway.errors import GatewayError, Misconfigured, Rejected
from gateway.net import xml
from gateway.net.http import NotSent
from gateway.net.soap import ILLEGAL_IN_XML
from gateway.net.soap_answer import SoapAnswer, read_answer
from gateway.profiles.codec import Wire
from gateway.profiles.sm4_ecb import encrypt_text
from gateway.profiles.tokens import md5_hex
from gateway.profiles.verdict import Said
from schemas.attributes import Kind

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>'


class Token:
    """The access token, fetched again after ``renew_seconds`` and when the receiver no longer takes it."""

    def __init__(self, wire: Wire) -> None:
        if wire.profile.token is None:
            raise Misconfigured("profile.invalid", file=f"{wire.profile.profile}.yaml", key="token", expected="token")
        self._wire, self._call = wire, wire.profile.token
        self._value, self._until = "", datetime.min.replace(tzinfo=wire.clock().tzinfo)

    def invalid(self, answer: SoapAnswer) -> bool:
        return self._call.invalid in (answer.fault or "") or self._call.invalid in (answer.text or "")

    def value(self) -> str:
        """Raises ``NotSent`` or ``Misconfigured``: no call has left without a token."""
        now = self._wire.clock()
        if now >= self._until:
            self._value = self._fetched(now)
            self._until = now + timedelta(seconds=self._call.renew_seconds)
        return self._value

    def forget(self) -> None:
        self._until = datetime.min.replace(tzinfo=self._until.tzinfo)

    def _fetched(self, now: datetime) -> str:
        timestamp = str(int(now.timestamp() * 1000))
        asked = {
            "app_key": self._wire.connection.login,
            "timestamp": timestamp,
            "sign": md5_hex(self._wire.secret + timestamp),
        }
        try:
            content = self._wire.http.get(self._call.path, params=asked).json()
        except Misconfigured:
            raise
        except GatewayError as failed:
            raise NotSent(failed.code, **failed.params) from failed
        token = content.get("access_token") if isinstance(content, dict) else None
        if not isinstance(token, str) or not token:
            raise Misconfigured("profile.token_missing", connection=self._wire.connection_id)
        return token


class SoapCodec:
    """Two strings in, ``appKey`` and ``xmlStr``; one XML string out."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._token = Token(wire)
        self._key = md5_hex(wire.secret)[:16].encode()

    def write(self, kind: Kind, fields: Mapping[str, str]) -> bytes:
        root = etree.Element(self._wire.profile.root)
        for name, value in fields.items():
            if ILLEGAL_IN_XML.search(value):
                raise Rejected("profile.text_unwritable", field=name)
            etree.SubElement(root, name).text = value
        text = PROLOGUE + etree.tostring(root, encoding="unicode")
        return encrypt_text(self._key, text.encode()).encode()

    def ready(self) -> None:
        self._token.value()

    def headers(self) -> Mapping[str, str]:
        return {}

    def call(self, kind: Kind, body: bytes) -> Said:
        """A token that is no longer taken is fetched anew once; the same bytes, which were turned away, go again."""
        answer = self._posted(kind, body)
        if self._token.invalid(answer):
            self._token.forget()
            answer = self._posted(kind, body)
            if self._token.invalid(answer):
                raise Misconfigured("profile.token_refused", connection=self._wire.connection_id)
        return _said(answer)

    def _posted(self, kind: Kind, body: bytes) -> SoapAnswer:
        call, namespace = self._wire.profile.calls[kind], self._wire.profile.namespace
        envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap": ENVELOPE, "ws": namespace})
        header = etree.SubElement(envelope, f"{{{ENVELOPE}}}Header")
        etree.SubElement(header, f"{{{namespace}}}Authorization").text = f"Basic {self._token.value()}"
        operation = etree.SubElement(
            etree.SubElement(envelope, f"{{{ENVELOPE}}}Body"), f"{{{namespace}}}{call.operation}"
        )
        etree.SubElement(operation, "appKey").text = self._wire.connection.login
        etree.SubElement(operation, "xmlStr").text = body.decode()
        answer = self._wire.http.exchange(
            "POST",
            call.path,
            headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'},
            body=PROLOGUE.encode() + etree.tostring(envelope),
        )
        names = ("return", f"{call.operation}Return", f"{call.operation}Result")
        return read_answer(answer.status, answer.headers, answer.body, f"{call.operation}Response", names)


def _said(answer: SoapAnswer) -> Said:
    """The XML inside the answer's one string; its elements by name, wherever they stand."""
    root = xml.parsed((answer.text or "").strip())
    if isinstance(root, xml.Fault):
        return Said(answer.status, answer.body, readable=False)
    leaves = [each for each in root.iter(etree.Element) if not len(each)]
    fields = {etree.QName(each).localname: (each.text or "").strip() for each in reversed(leaves)}
    return Said(answer.status, answer.body, fields, "\n".join(value for value in fields.values() if value))
