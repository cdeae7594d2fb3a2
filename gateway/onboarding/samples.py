"""What a source looks like, learnt from a description or from a sample: its fields, their labels, some of their values.

Read are OpenAPI documents (:mod:`.openapi`), WSDLs (:mod:`.wsdl`), CSV and spreadsheet files, JSON and XML samples, and
what a database says of a table. Values serve the guessing alone: of a personal attribute none is ever written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
import yaml

from gateway.documents import read_document
from gateway.errors import GatewayError, Rejected
from gateway.mapping.decode import characters, decode
from gateway.mapping.spec import Reading
from gateway.mapping.text import NotAScalarError, tidy
from gateway.net import xml
from gateway.onboarding import openapi, wsdl
from gateway.onboarding.dry_run import MEDIA_TYPES
from gateway.onboarding.seen import Sample, SeenField
from schemas.attributes import ATTRIBUTES, Kind

MOST_VALUES = 40
DEEPEST = 6


def read_sample(file: Path, operation: str | None = None) -> Sample:
    """The sample in ``file``. Raises ``Rejected``: ``source.sample_form``, ``source.sample_empty``."""
    suffix = file.suffix.lower()
    body = file.read_bytes()
    if suffix == ".wsdl" or (suffix == ".xml" and b"schemas.xmlsoap.org/wsdl" in body):
        described = wsdl.described(file.name, body, operation)
        if described is None:
            raise Rejected("source.sample_form", file=file.name, known="WSDL")
        return described
    if suffix in (".yaml", ".yml", ".json"):
        document = _document(file, body)
        if openapi.is_openapi(document):
            listed = openapi.described(document, operation)
            if listed is None:
                raise Rejected("source.sample_empty", file=file.name)
            return listed
        if suffix == ".json":
            return _json(file, document)
    if suffix not in MEDIA_TYPES or suffix == ".json":
        raise Rejected("source.sample_form", file=file.name, known=" ".join([*MEDIA_TYPES, ".wsdl", ".yaml"]))
    return _records(file, body, MEDIA_TYPES[suffix])


def national() -> Sample:
    """Records in national field names, as those who push are asked to write them (records.md 1-3)."""
    kinds: tuple[Kind, ...] = ("service", "evaluation")
    names = {one.wire: one.title for kind in kinds for one in ATTRIBUTES[kind].values() if one.wire and one.need != "O"}
    more = {"applydate": "申请时间", "anonymityFlag": "是否匿名", "publicFlag": "是否公开"}
    joined_codes = {"evalDetail": ("510,512",)}
    fields = [SeenField(name, title, joined_codes.get(name, ())) for name, title in (names | more).items()]
    return Sample(fields, {"list": "records"})


def joined(samples: Iterable[Sample]) -> Sample | None:
    """Several samples of one source as one: a WSDL, say, and an answer that somebody saved."""
    held = list(samples)
    if not held:
        return None
    fields = max((one.fields for one in held), key=len)
    reading = {name: value for one in held for name, value in one.reading.items()}
    return Sample(fields, reading, {name: value for one in held for name, value in one.known.items()})


def of_records(records: Iterable[Any]) -> list[SeenField]:
    """Fields of records, in the order in which they come; nested ones with dotted paths."""
    values: dict[str, dict[str, None]] = {}
    for record in records:
        for path, value in _flat(record, ()):
            seen = values.setdefault(path, {})
            if value is not None and len(seen) < MOST_VALUES:
                seen[value] = None
    return [SeenField(path, path.rpartition(".")[2], tuple(seen)) for path, seen in values.items()]


def _flat(node: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    if isinstance(node, dict) and len(path) < DEEPEST:
        for name, value in node.items():
            yield from _flat(value, (*path, str(name)))
    elif path:
        try:
            yield ".".join(path), tidy(node)
        except NotAScalarError:
            yield ".".join(path), None


def _document(file: Path, body: bytes) -> Any:
    try:
        return orjson.loads(body) if file.suffix.lower() == ".json" else read_document(characters(body, None))
    except (ValueError, yaml.YAMLError, RecursionError, GatewayError) as broken:
        raise Rejected("source.sample_form", file=file.name, known="JSON, YAML") from broken


def _json(file: Path, document: Any) -> Sample:
    found = _lists(document, ())
    if not found:
        raise Rejected("source.sample_empty", file=file.name)
    path, records = max(found, key=lambda one: len(one[1]))
    where = ".".join(path)
    return Sample(of_records(records), {"list": where} if where else {}, {"records": where} if where else {})


def _lists(node: Any, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], list[Any]]]:
    """Lists of objects, with their place; not those inside of records."""
    if isinstance(node, list):
        return [(path, node)] if node and all(isinstance(one, dict) for one in node) else []
    if not isinstance(node, dict) or len(path) >= DEEPEST:
        return []
    return [found for name, value in node.items() for found in _lists(value, (*path, str(name)))]


def _records(file: Path, body: bytes, media_type: str) -> Sample:
    reading: dict[str, str] = {}
    if media_type.endswith("xml"):
        reading = {"element": _repeated(file, body)}
    try:
        records = decode(body, media_type, Reading.model_validate(reading))
    except GatewayError as unreadable:
        raise Rejected("source.sample_form", file=file.name, known=" ".join(MEDIA_TYPES)) from unreadable
    if not records:
        raise Rejected("source.sample_empty", file=file.name)
    return Sample(of_records(records), reading)


def _repeated(file: Path, body: bytes) -> str:
    """The element that a record is: the one with children that comes most often."""
    root = xml.read(body)
    if isinstance(root, xml.Fault):
        raise Rejected("source.sample_form", file=file.name, known="XML")
    counts: dict[str, int] = {}
    for node in root.iter():
        if isinstance(node.tag, str) and len(node) and node is not root:
            name = node.tag.rpartition("}")[2]
            counts[name] = counts.get(name, 0) + len(node)
    if not counts:
        raise Rejected("source.sample_empty", file=file.name)
    return max(counts, key=lambda name: counts[name])
