"""Run as a process of its own: what Airflow makes of our connection types, and what their test buttons say.

Prints one JSON line. The connections come as ``AIRFLOW_CONN_…``, as a worker gets them.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

import airflow
import jsonschema

from wiring.connections import provider_info


def main() -> None:
    info = provider_info()
    schemas = Path(airflow.__file__).parent
    jsonschema.validate(info, json.loads((schemas / "provider_info.schema.json").read_text("utf-8")))
    strict = json.loads((schemas / "provider.yaml.schema.json").read_text("utf-8"))
    jsonschema.validate(info["connection-types"], strict["properties"]["connection-types"])
    told = {}
    for form in info["connection-types"]:
        module, _, name = form["hook-class-name"].rpartition(".")
        hook = getattr(importlib.import_module(module), name)
        kind = form["connection-type"].removeprefix("gateway_")
        told[kind] = {
            "same": (hook.conn_type, hook.hook_name) == (form["connection-type"], form["hook-name"]),
            "tests": {
                conn_id: hook(conn_id).test_connection()
                for conn_id in sys.argv[1:]
                if conn_id.startswith(kind) and f"AIRFLOW_CONN_{conn_id.upper()}" in os.environ
            },
        }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
