"""SOAP 1.1, document/literal wrapped, by hand: one operation with strings in, one string out."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

NAMESPACE = "http://hotline.sandbox/ws/"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


class Malformed(ValueError):
    """Not a request that this service understands; the text says why."""


@dataclass(frozen=True, slots=True)
class Call:
    """One operation and its arguments."""

    operation: str
    arguments: dict[str, str]


def parse_xml(data: bytes) -> etree._Element:
    """The root of ``data``. DTDs, entities and external loads are refused; raises :class:`Malformed`."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as broken:
        raise Malformed("not well-formed XML") from broken
    if root.getroottree().docinfo.doctype:
        raise Malformed("a DOCTYPE is not allowed")
    return root


def read_call(body: bytes) -> Call:
    """The call inside a SOAP 1.1 envelope; raises :class:`Malformed`."""
    root = parse_xml(body)
    if root.tag != f"{{{ENVELOPE}}}Envelope":
        raise Malformed("not a SOAP 1.1 envelope")
    soap_body = root.find(f"{{{ENVELOPE}}}Body")
    if soap_body is None or len(soap_body) != 1:
        raise Malformed("the Body must hold one element")
    operation = etree.QName(soap_body[0])
    if operation.namespace != NAMESPACE:
        raise Malformed("the operation is of another namespace")
    arguments: dict[str, str] = {}
    for part in soap_body[0]:
        name = etree.QName(part)
        if name.namespace is not None or len(part) or name.localname in arguments:
            raise Malformed("an argument is qualified, nested or repeated")
        arguments[name.localname] = part.text or ""
    return Call(operation.localname, arguments)


def answer(operation: str, text: str) -> bytes:
    """The envelope that returns ``text``."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>'
        f'<ns:{operation}Response xmlns:ns="{NAMESPACE}"><return>{escape(text)}</return></ns:{operation}Response>'
        "</soap:Body></soap:Envelope>"
    ).encode()


def fault(text: str) -> bytes:
    """A SOAP 1.1 fault that blames the client."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="{ENVELOPE}"><soap:Body>'
        f"<soap:Fault><faultcode>soap:Client</faultcode><faultstring>{escape(text)}</faultstring></soap:Fault>"
        "</soap:Body></soap:Envelope>"
    ).encode()


def elements(values: dict[str, str]) -> str:
    """``values`` as XML elements."""
    return "".join(f"<{name}>{escape(value)}</{name}>" if value else f"<{name}/>" for name, value in values.items())
