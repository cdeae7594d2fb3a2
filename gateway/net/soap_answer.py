"""What a SOAP answer is, and what it lets us conclude: from raw status, content type and body, never from a library.

Three conclusions: the server did it (success), it certainly did not (refused), or nobody knows (unknown). Only the
second allows the call to be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lxml import etree

from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.net.answer import retry_after

ENVELOPES = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
DECLARATION = re.compile(r"^<\?xml[^>]*\?>")
DECLARED_CHARSET = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
HEADER_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]+)", re.IGNORECASE)
CHARACTER = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,8}));")
SUPERSET = {"gb2312": "gb18030", "gbk": "gb18030", "utf-8": "utf-8-sig", "utf8": "utf-8-sig"}


class Outcome(StrEnum):
    """What became of an act at the other side."""

    SUCCESS = "success"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Conclusion:
    """``code`` says why, for an operator; ``alert``: a person must look; ``retry_after``: seconds, their own word."""

    outcome: Outcome
    code: str
    detail: str = ""  # a code or our own word: never free text of the other side, which may repeat personal data
    retry_after: float | None = None
    alert: bool = False


class OutcomeProfile(Protocol):
    """What only the vendor's profile knows."""

    @property
    def refusal_faults(self) -> Collection[str]:
        """Fault codes, or parts of fault texts, after which nothing was created."""
        ...

    @property
    def codec(self) -> str:
        """``json``: a bare JSON body counts as payload too."""
        ...

    def conclude(self, payload: str) -> Conclusion:
        """By the payload alone: success and duplicate predicates, listed refusals, else unknown."""
        ...


@dataclass(frozen=True, slots=True)
class SoapAnswer:
    """An answer as received. ``text`` is its one string; without it ``problem`` says why, e.g. ``soap.unparseable``."""

    status: int
    content_type: str
    body: bytes
    text: str | None = None
    problem: str | None = None
    fault: str | None = None  # code and text of a SOAP fault
    retry_after: float | None = None

    def payload(self) -> str:
        """For reading operations: the string of a normal answer with status 200.

        Raises ``Misconfigured('soap.unauthorised')``, else ``Transient``: ``soap.status`` or the answer's ``problem``.
        """
        if self.status in (401, 403):
            raise Misconfigured("soap.unauthorised", status=self.status)
        if self.status != 200:
            raise Transient("soap.status", retry_after=self.retry_after, status=self.status)
        if self.text is None:
            raise Transient(self.problem or "soap.unparseable", status=self.status)
        return self.text


def read_answer(
    status: int, headers: Mapping[str, str], body: bytes, wrapper: str, names: Collection[str]
) -> SoapAnswer:
    """Read ``body`` with a parser that resolves nothing. ``wrapper`` and ``names`` are what the WSDL promises."""
    content_type = headers.get("content-type", "")
    text, problem, fault = _string_of(body, content_type, wrapper, names)
    return SoapAnswer(status, content_type, body, text, problem, fault, retry_after(headers.get("retry-after")))


def outcome(result: SoapAnswer | Exception, profile: OutcomeProfile) -> Conclusion:
    """What ``result`` of a call that acts lets us conclude (hotline-12345 response matrix)."""
    if isinstance(result, Misconfigured):
        return Conclusion(Outcome.REFUSED, result.code, alert=True)
    if isinstance(result, GatewayError):
        sent = result.code != "soap.not_sent"
        return Conclusion(
            Outcome.UNKNOWN if sent else Outcome.REFUSED, result.code, str(result.params.get("reason", ""))
        )
    if isinstance(result, Exception):
        return Conclusion(Outcome.UNKNOWN, "soap.no_answer", type(result).__name__)
    if result.status == 200:
        return _of_normal(result, profile)
    if result.status == 409 and result.text is not None:
        said = profile.conclude(result.text)
        return said if said.outcome is Outcome.SUCCESS else _unknown(result)
    if result.status == 500 and _listed(result.fault, profile):
        return Conclusion(Outcome.REFUSED, "soap.fault", _listed(result.fault, profile))
    if result.status in (401, 403):
        return Conclusion(Outcome.REFUSED, "soap.unauthorised", str(result.status), alert=True)
    if 400 <= result.status < 500 and result.status not in (408, 409):
        return Conclusion(Outcome.REFUSED, "soap.status", str(result.status), result.retry_after)
    return _unknown(result)


def _of_normal(answer: SoapAnswer, profile: OutcomeProfile) -> Conclusion:
    if answer.text is not None:
        return profile.conclude(answer.text)
    if answer.fault is not None:
        listed = _listed(answer.fault, profile)
        return Conclusion(Outcome.REFUSED if listed else Outcome.UNKNOWN, "soap.fault", listed)
    if profile.codec == "json" and "json" in answer.content_type:
        return profile.conclude(answer.body.decode("utf-8", "replace"))
    return _unknown(answer)


def _unknown(answer: SoapAnswer) -> Conclusion:
    alert = answer.problem == "soap.entities"
    if answer.status != 200:
        return Conclusion(Outcome.UNKNOWN, "soap.status", str(answer.status), answer.retry_after, alert)
    return Conclusion(Outcome.UNKNOWN, answer.problem or "soap.unparseable", answer.content_type[:60], alert=alert)


def _listed(fault: str | None, profile: OutcomeProfile) -> str:
    """The profile's entry that ``fault`` fits; empty if none."""
    return next((entry for entry in profile.refusal_faults if fault is not None and entry in fault), "")


def _string_of(
    body: bytes, content_type: str, wrapper: str, names: Collection[str]
) -> tuple[str | None, str | None, str | None]:
    """(text, problem, fault): exactly one of them says something, but a fault has its problem beside it."""
    if not body.strip():
        return None, "soap.empty", None
    root = _parse(_decode(body, content_type))
    if isinstance(root, str):
        return None, root, None
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in ENVELOPES:
        return None, "soap.not_an_envelope", None
    content = root.find(f"{{{name.namespace}}}Body")
    elements = [] if content is None else [child for child in content if isinstance(child.tag, str)]
    if not elements:
        return None, "soap.empty_body", None
    first = elements[0]
    if etree.QName(first).localname == "Fault":
        return None, "soap.fault", " ".join(part.strip() for part in first.itertext() if part.strip())
    if etree.QName(first).localname != wrapper:
        return None, "soap.other_element", None
    held = [child for child in first if isinstance(child.tag, str) and etree.QName(child).localname in names]
    if len(held) != 1 or held[0].get(NIL) in ("true", "1"):
        return None, "soap.no_value", None
    text = _inner(held[0])
    return (text, None, None) if text.strip() else (None, "soap.no_value", None)


def _inner(element: etree._Element) -> str:
    """The element's text; XML nested in it unescaped counts as text."""
    nested = "".join(etree.tostring(child, encoding="unicode") for child in element)
    return (element.text or "") + nested


def _decode(body: bytes, content_type: str) -> str | None:
    declared = DECLARED_CHARSET.match(body.removeprefix(b"\xef\xbb\xbf"))
    header = HEADER_CHARSET.search(content_type)
    charset = (declared[1].decode("ascii") if declared else header[1] if header else "utf-8").lower()
    try:
        return body.decode(SUPERSET.get(charset, charset)).removeprefix("\ufeff").lstrip()
    except (UnicodeDecodeError, LookupError):
        return None


def _parse(text: str | None) -> etree._Element | str:
    """The root, or the problem. Nothing is recovered: a truncated answer is no answer."""
    if text is None:
        return "soap.unparseable"
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True)
    readable = CHARACTER.sub(_legal, DECLARATION.sub("", text))
    try:
        root = etree.fromstring(readable, parser)
    except (etree.XMLSyntaxError, ValueError):
        return "soap.entities" if "<!ENTITY" in text else "soap.unparseable"
    held = root.getroottree().docinfo
    if not held.doctype:
        return root
    return "soap.entities" if held.internalDTD is not None and any(held.internalDTD.iterentities()) else "soap.dtd"


def _legal(reference: re.Match[str]) -> str:
    """Vendors send ``&#x0B;`` and the like, which XML forbids."""
    point = int(reference[1], 16) if reference[1] else int(reference[2])
    legal = point in (9, 10, 13) or 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or 0x10000 <= point <= 0x10FFFF
    return reference[0] if legal else " "
