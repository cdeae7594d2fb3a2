"""XML from outside: declared charsets with their supersets, no DTD, no entity, nothing loaded, bounded depth."""

from __future__ import annotations

import re
from enum import StrEnum

from lxml import etree

DECLARATION = re.compile(r"^<\?xml[^>]*\?>")
DECLARED_CHARSET = re.compile(rb"^\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")
HEADER_CHARSET = re.compile(r"charset\s*=\s*\"?([A-Za-z0-9._-]+)", re.IGNORECASE)
CHARACTER = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,8}));")
SUPERSET = {"gb2312": "gb18030", "gbk": "gb18030", "utf-8": "utf-8-sig", "utf8": "utf-8-sig"}


class Fault(StrEnum):
    """Why a text is not taken for XML."""

    BROKEN = "broken"
    DTD = "dtd"
    ENTITIES = "entities"


def read(body: bytes, content_type: str = "") -> etree._Element | Fault:
    """The root of ``body``, or what is wrong with it."""
    return parsed(decoded(body, content_type))


def decoded(body: bytes, content_type: str) -> str | None:
    """The text, by the charset that its declaration or ``content_type`` names; ``None`` if it is not of that one."""
    declared = DECLARED_CHARSET.match(body.removeprefix(b"\xef\xbb\xbf"))
    header = HEADER_CHARSET.search(content_type)
    charset = (declared[1].decode("ascii") if declared else header[1] if header else "utf-8").lower()
    try:
        return body.decode(SUPERSET.get(charset, charset)).removeprefix("\ufeff").lstrip()
    except (UnicodeDecodeError, LookupError):
        return None


def parsed(text: str | None) -> etree._Element | Fault:
    """The root, or what is wrong. Nothing is recovered: a truncated answer is no answer."""
    if text is None:
        return Fault.BROKEN
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_pis=True)
    readable = CHARACTER.sub(_legal, DECLARATION.sub("", text))
    try:
        root = etree.fromstring(readable, parser)
    except (etree.XMLSyntaxError, ValueError):
        return Fault.ENTITIES if "<!ENTITY" in text else Fault.BROKEN
    held = root.getroottree().docinfo
    if not held.doctype:
        return root
    return Fault.ENTITIES if held.internalDTD is not None and any(held.internalDTD.iterentities()) else Fault.DTD


def _legal(reference: re.Match[str]) -> str:
    """Vendors send ``&#x0B;`` and the like, which XML forbids."""
    point = int(reference[1], 16) if reference[1] else int(reference[2])
    legal = point in (9, 10, 13) or 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or 0x10000 <= point <= 0x10FFFF
    return reference[0] if legal else " "
