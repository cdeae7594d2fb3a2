"""What the one string holds: XML or JSON, read into plain nodes. Element names come from the profile.

A node is a text or a mapping from name to the list of what stood under it, so that one order and many look alike.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

from lxml import etree

from gateway.net.soap import ILLEGAL_IN_XML

Codec = Literal["xml", "json"]
Node = str | dict[str, list[Any]]


def encode(codec: Codec, root: str, fields: Mapping[str, str]) -> str:
    """``fields`` in their order as ``<root><name>value</name>…</root>`` or as one JSON object."""
    if codec == "json":
        return json.dumps(dict(fields), ensure_ascii=False)
    element = etree.Element(root)
    for name, value in fields.items():
        etree.SubElement(element, name).text = ILLEGAL_IN_XML.sub("", value)
    return str(etree.tostring(element, encoding="unicode"))


def decode(codec: Codec, text: str) -> Node | None:
    """The node in ``text``; none if it is not what ``codec`` promises. Document types and entities are not read."""
    try:
        return _of_json(json.loads(text)) if codec == "json" else _of_xml(text)
    except (ValueError, RecursionError, etree.XMLSyntaxError):
        return None


def many(node: Node | None, path: str) -> list[Node]:
    """Everything at ``path`` (``a/b``)."""
    found: list[Node] = [] if node is None else [node]
    for name in path.split("/"):
        found = [below for above in found if isinstance(above, dict) for below in above.get(name, [])]
    return found


def one(node: Node | None, path: str) -> str | None:
    """The non-blank text at ``path``, trimmed; none if there is none."""
    texts = [text.strip() for text in many(node, path) if isinstance(text, str)]
    return texts[0] or None if texts else None


def _of_xml(text: str) -> Node | None:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    content = text.lstrip("\ufeff \t\r\n")
    if content.startswith("<?xml"):
        content = content[content.find("?>") + 2 :]  # its encoding is that of the envelope
    root = etree.fromstring(content, parser)
    return None if root.getroottree().docinfo.doctype else _element(root)


def _element(element: etree._Element) -> Node:
    children = [child for child in element if isinstance(child.tag, str)]
    if not children:
        return element.text or ""
    node: dict[str, list[Any]] = {}
    for child in children:
        node.setdefault(etree.QName(child).localname, []).append(_element(child))
    return node


def _of_json(value: Any) -> Node:
    if isinstance(value, dict):
        return {
            str(name): [_of_json(one_) for one_ in (held if isinstance(held, list) else [held])]
            for name, held in value.items()
        }
    return "" if value is None else str(value)
