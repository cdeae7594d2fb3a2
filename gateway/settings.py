"""A deployment's settings: the one place that reads the environment.

Everything has a default that works on one machine. Values come from the environment (prefix ``GW_``), then from the
files ``.env`` in the home folder and ``gateway.env``, ``sandbox.env`` in its state's folder, ``var/`` (the last is
written by ``gw sandbox up``). Endpoints and credentials come as ``GW_CONN_<ID>`` in Airflow's JSON form: the same text
serves as ``AIRFLOW_CONN_<ID>``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.errors import Misconfigured

CONNECTION_PREFIX = "GW_CONN_"
HOLD_HOURS = 168.0


class Connection(BaseModel):
    """One outside party's address and credentials (连接). ``extra`` holds what a kind needs beyond them."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    conn_type: str = "http"
    host: str = ""
    port: int | None = None
    login: str = ""
    password: SecretStr = SecretStr("")
    schema_: str = Field("", alias="schema")
    extra: dict[str, Any] = Field(default_factory=dict)

    @property
    def url(self) -> str:
        """``scheme://host[:port]``; a host that already carries a scheme is kept."""
        base = self.host if "://" in self.host else f"{self.schema_ or 'https'}://{self.host}"
        return base if self.port is None else f"{base}:{self.port}"


class Settings(BaseSettings):
    """See the module. Unknown ``GW_`` names are ignored: they belong to other tools on the same host."""

    model_config = SettingsConfigDict(env_prefix="GW_", extra="ignore", frozen=True)

    home: Path = Path(__file__).resolve().parents[1]
    var: Path | None = Field(None, description="folder of all state that is not in the database; <home>/var")
    database_url: str = ""
    sender: str = Field("510000000000", pattern=r"^\d{12}$", description="province's region code, 12 digits")
    allowed_hosts: str = Field("127.0.0.1,localhost,::1", description="outbound allow-list: host or host:port, commas")
    keys_dir: Path | None = None
    libcrypto: str = Field("", description="path of a libcrypto of OpenSSL 3.0 or later, where none is found")
    key_passphrase: str = Field(
        "",
        pattern=r"^((env|file):.+)?$",
        description="where the key folder's passphrase stands: env:NAME or file:PATH, never itself",
    )
    key_store: str = Field(
        "",
        pattern=r"^([A-Za-z_][\w.]*:[A-Za-z_]\w*)?$",
        description="package.module:function that opens an HSM's key store; empty: key files",
    )
    key_warn_days: int = Field(60, ge=1, le=365, description="how long before its end a key is warned of")
    data_key_days: int = Field(365, ge=1, le=3650, description="age at which a data key should be rotated")
    lang: str = Field("zh", pattern="^(zh|en)$")
    chunk: int = Field(2000, ge=1, le=50_000, description="records per transaction")
    lease_seconds: int = Field(60, ge=1, le=3600)
    send_seconds: float = Field(45.0, gt=0, le=3600, description="longest time that one batch may take to be sent")
    second_person_above: int = Field(100, ge=1, description="acts on more batches than this need a second person")
    order_requery_seconds: float = Field(60.0, ge=0, description="least time between two 'not found' answers of 12345")
    hold_hours: float = Field(HOLD_HOURS, gt=0, description="how long an evaluation waits for its case")
    key_grace_hours: float = Field(24.0, ge=0, description="least time between retiring and destroying a data key")
    shadow_days: int = Field(3, ge=0, description="days of shadow run before a gated source may go live")
    go_live_share: float = Field(0.05, ge=0, le=1, description="most refused records of its dry run and shadow run")
    retry_base_seconds: float = Field(60.0, gt=0, description="first delay of a delivery's backoff")
    connections: dict[str, Connection] = Field(default_factory=dict)

    @property
    def var_dir(self) -> Path:
        return self.var or self.home / "var"

    @property
    def mappings_dir(self) -> Path:
        return self.home / "mappings"

    @property
    def kinds_dir(self) -> Path:
        """A site's own kinds of connectors, a folder each."""
        return self.home / "kinds"

    @property
    def targets_dir(self) -> Path:
        return self.home / "targets"

    @property
    def key_folder(self) -> Path:
        return self.keys_dir or self.var_dir / "keys"

    @property
    def database(self) -> str:
        """The SQLAlchemy URL; SQLite in ``var/`` unless ``GW_DATABASE_URL`` says otherwise."""
        return self.database_url or f"sqlite:///{self.var_dir / 'gateway.db'}"

    def passphrase(self) -> bytes:
        """The key folder's passphrase, from where ``key_passphrase`` points.

        Raises ``Misconfigured``: ``config.passphrase_missing``; ``config.passphrase_exposed`` when others may read it.
        """
        kind, _, where = self.key_passphrase.partition(":")
        try:
            if kind == "env":
                found = os.environ[where].encode()
            else:
                if Path(where).stat().st_mode & 0o077:
                    raise Misconfigured("config.passphrase_exposed", reference=self.key_passphrase)
                found = Path(where).read_bytes().rstrip(b"\r\n")
        except (KeyError, OSError) as missing:
            raise Misconfigured("config.passphrase_missing", reference=self.key_passphrase) from missing
        if not found:
            raise Misconfigured("config.passphrase_missing", reference=self.key_passphrase)
        return found

    def connection(self, connection_id: str) -> Connection:
        """The connection ``connection_id``, or ``config.connection_missing``."""
        found = self.connections.get(connection_id.lower())
        if found is None:
            raise Misconfigured(
                "config.connection_missing",
                connection=connection_id,
                variable=CONNECTION_PREFIX + connection_id.upper(),
            )
        return found


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Settings from the environment and the files below the home folder; ``overrides`` win (tests, Airflow)."""
    environ = os.environ if environ is None else environ
    home = Path(overrides.get("home") or environ.get("GW_HOME") or Settings.model_fields["home"].default)
    var = Path(overrides.get("var") or environ.get("GW_VAR") or home / "var")
    merged: dict[str, str] = {}
    for file in (var / "sandbox.env", var / "gateway.env", home / ".env"):
        merged.update({key: value for key, value in dotenv_values(file).items() if value is not None})
    merged.update({key: value for key, value in environ.items() if value})  # empty is unset, as in compose
    fields = {name: merged[f"GW_{name.upper()}"] for name in Settings.model_fields if f"GW_{name.upper()}" in merged}
    connections = {
        key.removeprefix(CONNECTION_PREFIX).lower(): _connection(key, value)
        for key, value in merged.items()
        if key.startswith(CONNECTION_PREFIX)
    }
    connections.update(overrides.pop("connections", {}))
    values = {**fields, **overrides, "home": home, "var": var, "connections": connections}
    try:
        return Settings(**values)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        variable = "GW_" + "_".join(str(part) for part in first["loc"]).upper()
        raise Misconfigured("config.setting_invalid", variable=variable, expected=first["msg"]) from invalid


def _connection(variable: str, value: str) -> Connection:
    try:
        return Connection.model_validate(json.loads(value))
    except (ValueError, ValidationError) as invalid:
        raise Misconfigured("config.connection_invalid", variable=variable) from invalid
