"""WSDLs: operation, binding and the fields of the largest record that is spelled out; many services spell out none."""

from __future__ import annotations

import hashlib
from typing import Any

from gateway.net import xml
from gateway.onboarding.seen import Sample, SeenField, Told

SCHEMA = "{http://www.w3.org/2001/XMLSchema}"
WSDL = "{http://schemas.xmlsoap.org/wsdl/}"
LISTING = ("list", "query", "get", "find")
LEAST_FIELDS = 6  # of a record; smaller types are arguments and envelopes


def described(name: str, body: bytes, operation: str | None) -> Sample | None:
    """What the WSDL in the file ``name`` tells; none when it is no WSDL."""
    root = xml.read(body)
    if isinstance(root, xml.Fault) or root.tag != f"{WSDL}definitions":
        return None
    known: dict[str, Told] = {"wsdl_sha256": hashlib.sha256(body).hexdigest(), "wsdl_file": f"wsdl/{name}"}
    bindings = [str(node.get("name")) for node in root.iter(f"{WSDL}binding")]
    if bindings:
        known["binding"] = f"{{{root.get('targetNamespace') or ''}}}{bindings[0]}"
    operations = [str(node.get("name")) for node in root.iter(f"{WSDL}operation")]
    listing = [one for one in operations if any(mark in one.lower() for mark in LISTING)]
    if chosen := operation or next(iter([*listing, *operations]), None):
        known["operation"] = chosen
    return Sample(_fields(root), {}, known)


def _fields(root: Any) -> list[SeenField]:
    best: list[SeenField] = []
    for kind in root.iter(f"{SCHEMA}complexType"):
        fields = [
            SeenField(str(node.get("name")), _documented(node))
            for sequence in kind
            for node in sequence
            if node.tag == f"{SCHEMA}element" and node.get("name")
        ]
        if len(fields) >= max(len(best) + 1, LEAST_FIELDS):
            best = fields
    return best


def _documented(node: Any) -> str:
    told = " ".join(text.text or "" for text in node.iter(f"{SCHEMA}documentation")).strip()
    return told or str(node.get("name"))
