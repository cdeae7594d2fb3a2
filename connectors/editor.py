"""The JSON Schema of a source file, for editors: ``python -m connectors.editor > mappings/source.schema.json``."""

from __future__ import annotations

import json
import sys
from typing import Any

from connectors import catalogue, kinds
from gateway.mapping.editor import schema


def text() -> str:
    """The schema with the options of every kind, a site's own among them. Raises what :func:`catalogue.model` does."""
    whole = schema()
    whole["properties"]["connector"]["enum"] = kinds()
    whole["allOf"] = [
        {
            "if": {"properties": {"connector": {"const": kind}}},
            "then": {"properties": {"options": _options(kind, whole["$defs"])}},
        }
        for kind in kinds()
    ]
    return json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _options(kind: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of one kind's options; its definitions are added to ``definitions`` under its own names."""
    own = catalogue.model(kind).model_json_schema(by_alias=True, ref_template=f"#/$defs/{kind}.{{model}}")
    definitions |= {f"{kind}.{name}": one for name, one in own.pop("$defs", {}).items()}
    return own


if __name__ == "__main__":
    sys.stdout.write(text())
