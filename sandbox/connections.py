"""What the gateway needs to know of a running sandbox: ``GW_CONN_…`` lines in Airflow's JSON form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.processes import NATIONAL, Double
from sandbox.secrets import Secret, write_private

Connection = dict[str, Any]
SOAP_PATH = "/ws"
HEADING = "# written by `python -m sandbox up`; the secrets are those of doubles on this machine\n"


def connections(doubles: Mapping[str, Double], secrets: Mapping[str, Secret]) -> dict[str, Connection]:
    """A connection for each running double."""
    found = {}
    for name, double in doubles.items():
        secret = _national_secret(double) if name == NATIONAL else secrets[name]
        scheme = double.url.partition(":")[0]
        found[name] = {
            "conn_type": scheme,
            "host": double.host,
            "port": double.port,
            "schema": scheme,
            "login": secret.login,
            "password": secret.password,
            "extra": _extra(double),
        }
    return found


def write_env(path: Path, made: Mapping[str, Connection]) -> None:
    """Write the environment file, mode 0600."""
    lines = [f"GW_CONN_{name.upper()}='{json.dumps(connection)}'\n" for name, connection in made.items()]
    hosts = ",".join(f"{connection['host']}:{connection['port']}" for connection in made.values())
    write_private(path, HEADING + "".join(lines) + f"GW_ALLOWED_HOSTS='{hosts}'\n")


def _extra(double: Double) -> dict[str, Any]:
    if double.name == "kiosk":
        return {"host_key": double.about["host_key"]}
    if double.name == "hotline":
        return {"path": SOAP_PATH}
    return {}


def _national_secret(double: Double) -> Secret:
    """The platform keeps its own list of clients; ours is the first."""
    first = json.loads(Path(double.about["clients"]).read_text(encoding="utf-8"))[0]
    return Secret(first["paasid"], first["token"])
