"""The JSON Schema of a source file's mapping; :mod:`connectors.editor` adds each kind's options."""

from __future__ import annotations

from typing import Any

from gateway.mapping.spec import MappingSpec
from schemas.attributes import ATTRIBUTES, Kind
from schemas.source import SourceFile


def schema() -> dict[str, Any]:
    """SourceFile with its ``mapping`` spelled out and the attributes of each record named."""
    whole = SourceFile.model_json_schema()
    mapping = MappingSpec.model_json_schema(by_alias=True)
    whole["$defs"] = {**whole.get("$defs", {}), **mapping.pop("$defs")}
    kinds: tuple[Kind, ...] = ("service", "evaluation")
    for kind in kinds:
        mapping["properties"][kind] = {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: {
                    "$ref": "#/$defs/FieldSpec",
                    "description": f"{attribute.title} {attribute.form} {attribute.need}",
                }
                for name, attribute in ATTRIBUTES[kind].items()
            },
        }
    whole["properties"]["mapping"] = mapping
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole}
