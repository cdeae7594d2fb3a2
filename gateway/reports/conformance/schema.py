"""The report's JSON Schema: ``python -m gateway.reports.conformance.schema > schemas/conformance.schema.json``."""

from __future__ import annotations

import json
import sys

from gateway.reports.conformance.document import Document


def schema_text() -> str:
    """The JSON Schema, as it stands in ``schemas/conformance.schema.json``."""
    return json.dumps(Document.model_json_schema(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
