"""The records' JSON Schemas, from their pydantic schemas: ``python -m schemas.json_schema`` writes ``schemas/json``.

``<kind>`` holds canonical names, ``<kind>.wire`` what goes to a platform as ``data``. What JSON Schema can't say stands
in ``x-rules``: :mod:`schemas.conditions` judges it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from schemas import master_records
from schemas.attributes import ATTRIBUTES, KINDS, Kind
from schemas.conditions import CONDITIONS, TOGETHER
from schemas.records import shape
from schemas.wire import SEPARATOR, in_wire_order

FOLDER = Path(__file__).parent / "json"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]
Rename = Callable[[str], str | None]
TITLES: dict[Kind, str] = {
    "service": "ServiceRecord 办件服务",
    "evaluation": "EvaluationRecord 评价",
    "rectification": "RectificationRecord 整改",
}
RULES: dict[Kind, list[str]] = {
    "service": ["apply_date ≤ accept_date ≤ result_date", "task_handle_item begins with task_code"],
    "evaluation": ["indicators ascending", "assess_time ≥ service_time of its service record"],
    "rectification": [],
}
MASTERS: dict[str, type[BaseModel]] = {
    "organisation": master_records.OrganisationRecord,
    "item": master_records.ServiceItemRecord,
    "region": master_records.RegionRecord,
    "indicator": master_records.IndicatorRecord,
}


def schemas() -> dict[str, Schema]:
    """Every schema by the name of its file."""
    records: dict[str, Schema] = {kind: record_schema(kind) for kind in KINDS}
    on_wire = {f"{kind}.wire": wire_schema(kind) for kind in KINDS}
    masters = {name: {"$schema": DRAFT, **model.model_json_schema()} for name, model in MASTERS.items()}
    return {**records, **on_wire, **masters}


def record_schema(kind: Kind) -> Schema:
    """Under canonical names."""
    made = shape(kind).json_schema()
    for name, about in made["properties"].items():
        wire = ATTRIBUTES[kind][name].wire
        if wire is not None:
            about["x-wire"] = wire
    made |= {"title": TITLES[kind], "allOf": list(_conditions(kind, lambda name: name)), "x-rules": RULES[kind]}
    if kind == "evaluation":
        made["properties"]["indicators"]["uniqueItems"] = True
    return {"$schema": DRAFT, **made}


def wire_schema(kind: Kind) -> Schema:
    """Under wire names, all values texts: a list is joined, and what is not sent is not there."""
    made = shape(kind).json_schema()
    names = {name: wire for wire, name in in_wire_order(kind, made["properties"])}
    properties = {names[name]: _on_wire(about) for name, about in made["properties"].items() if name in names}
    required = [names[name] for name in made["required"] if name in names]
    made |= {"title": f"{TITLES[kind]} (wire)", "properties": properties, "required": required}
    made |= {"allOf": list(_conditions(kind, names.get)), "x-rules": RULES[kind]}
    return {"$schema": DRAFT, **made}


def _on_wire(about: Schema) -> Schema:
    if about.get("type") != "array":
        return about
    one = about["items"]["pattern"].strip("^$").replace("+", f"{{{about['items']['maxLength']}}}")
    told = {name: value for name, value in about.items() if name not in {"items", "minItems", "type"}}
    return {**told, "type": "string", "pattern": f"^{one}({SEPARATOR}{one})*$"}


def _conditions(kind: Kind, rename: Rename) -> Iterator[Schema]:
    for condition in CONDITIONS[kind]:
        need = [name for name in map(rename, condition.need) if name is not None]
        then: Schema = {"anyOf": [{"required": [name]} for name in need]} if condition.either else {"required": need}
        field = rename(condition.field) if condition.field else None
        yield then if field is None else _when(field, list(condition.values), then)
    for _, group in TOGETHER[kind]:
        names = [name for name in map(rename, group) if name is not None]
        yield {"dependentRequired": {name: [other for other in names if other != name] for name in names}}
    if kind == "evaluation":
        yield from _of_evaluation(rename)


def _of_evaluation(rename: Rename) -> Iterator[Schema]:
    level, ticked = rename("satisfaction") or "", rename("indicators") or ""
    for code in "12345":
        one: Schema = {"pattern": f"^{code}"}
        listed = {"items": one} if rename("origin") else {"pattern": f"^{code}..({SEPARATOR}{code}..)*$"}
        yield _when(level, [code], {"properties": {ticked: listed}})
    flag, origin = rename("is_default"), rename("origin")
    if flag and origin:
        yield _when(flag, ["1"], {"properties": {origin: {"const": "default"}}})
        yield _when(origin, ["default"], {"properties": {flag: {"const": "1"}}})


def _when(field: str, values: list[str], then: Schema) -> Schema:
    return {"if": {"properties": {field: {"enum": values}}, "required": [field]}, "then": then}


def written(schema: Schema) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, schema in schemas().items():
        (FOLDER / f"{name}.schema.json").write_text(written(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
