"""What a SOAP answer is, and what it lets us conclude: from raw status, content type and body, never from a library.

Three conclusions: the server did it (success), it certainly did not (refused), or nobody knows (unknown). Only the
second allows the call to be repeated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lxml import etree

from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.net import xml
from gateway.net.answer import retry_after

ENVELOPES = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
FAULTS = {
    xml.Fault.BROKEN: "soap.unparseable",
    xml.Fault.DTD: "soap.dtd",
    xml.Fault.ENTITIES: "soap.entities",
}
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


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
    content: etree._Element | None = None  # the element that the WSDL promises, whatever is in it

    def payload(self) -> str:
        """For reading operations: the string of a normal answer with status 200.

        Raises ``Misconfigured('soap.unauthorised')``, else ``Transient``: ``soap.status`` or the answer's ``problem``.
        """
        self._expect_ok()
        if self.text is None:
            raise Transient(self.problem or "soap.unparseable", status=self.status)
        return self.text

    def element(self) -> etree._Element:
        """As :meth:`payload`, for operations that answer with elements instead of one string."""
        self._expect_ok()
        if self.content is None:
            raise Transient(self.problem or "soap.unparseable", status=self.status)
        return self.content

    def _expect_ok(self) -> None:
        if self.status in (401, 403):
            raise Misconfigured("soap.unauthorised", status=self.status)
        if self.status != 200:
            raise Transient("soap.status", retry_after=self.retry_after, status=self.status)


def read_answer(
    status: int, headers: Mapping[str, str], body: bytes, wrappers: Collection[str], names: Collection[str]
) -> SoapAnswer:
    """Read ``body`` with a parser that resolves nothing. ``wrappers`` and ``names`` are what the WSDL promises."""
    content_type = headers.get("content-type", "")
    found = _reading(body, content_type, wrappers, names)
    wait = retry_after(headers.get("retry-after"))
    return SoapAnswer(status, content_type, body, found.text, found.problem, found.fault, wait, found.content)


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


@dataclass(frozen=True, slots=True)
class Reading:
    """What is in a body: its one string or its ``content`` element, else the problem; a fault has its text beside."""

    problem: str | None = None
    text: str | None = None
    fault: str | None = None
    content: etree._Element | None = None


def _reading(body: bytes, content_type: str, wrappers: Collection[str], names: Collection[str]) -> Reading:
    if not body.strip():
        return Reading("soap.empty")
    root = xml.read(body, content_type)
    if isinstance(root, xml.Fault):
        return Reading(FAULTS[root])
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in ENVELOPES:
        return Reading("soap.not_an_envelope")
    held = root.find(f"{{{name.namespace}}}Body")
    elements = [] if held is None else [child for child in held if isinstance(child.tag, str)]
    if not elements:
        return Reading("soap.empty_body")
    first = elements[0]
    if etree.QName(first).localname == "Fault":
        return Reading("soap.fault", fault=" ".join(part.strip() for part in first.itertext() if part.strip()))
    if etree.QName(first).localname not in wrappers:
        return Reading("soap.other_element")
    text = _string(first, names)
    return Reading(None if text else "soap.no_value", text, content=first)


def _string(wrapper: etree._Element, names: Collection[str]) -> str | None:
    """The one string inside ``wrapper``, or of ``wrapper`` itself where the WSDL names nothing inside."""
    held = [child for child in wrapper if isinstance(child.tag, str) and etree.QName(child).localname in names]
    held = held if names else [wrapper]
    if len(held) != 1 or held[0].get(NIL) in ("true", "1"):
        return None
    text = _inner(held[0])
    return text if text.strip() else None


def _inner(element: etree._Element) -> str:
    """The element's text; XML nested in it unescaped counts as text."""
    nested = "".join(etree.tostring(child, encoding="unicode") for child in element)
    return (element.text or "") + nested
