"""What stands behind a connection's test button (测试): the same steps as ``gw source check``, told in Chinese.

A form knows no source. Where it names one, that source's own steps are gone through with the form's values; where it
doesn't, the address is looked at: on the allow-list, and there.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk.bases.hook import BaseHook

from wiring.connections import FORMS, PREFIX, from_form

if TYPE_CHECKING:
    from gateway.connector import Finding
    from gateway.errors import GatewayError
    from gateway.settings import Connection, Settings

PATIENCE = 5.0  # seconds to connect
PORTS = {"http": 80, "https": 443, "sftp": 22, "postgresql": 5432, "mysql": 3306, "mariadb": 3306}


class GatewayHook(BaseHook):
    """One kind's. Airflow makes it with the id of a connection that holds the form's values."""

    kind: ClassVar[str]
    conn_name_attr = "conn_id"
    default_conn_name = "gateway_default"

    def __init__(self, conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__()
        self.conn_id = kwargs.get(self.conn_name_attr, conn_id)

    def get_conn(self) -> Connection:
        """The connection as the gateway takes it."""
        from gateway.settings import Connection

        found = self.get_connection(self.conn_id)
        conn_type, extra = found.conn_type or "", found.extra_dejson
        rest = (found.host, found.port, found.login, found.password, found.schema)
        return Connection(**from_form(conn_type, *rest, extra))

    def test_connection(self) -> tuple[bool, str]:
        """Does it work, and what was found, step by step; never a secret."""
        from gateway.errors import GatewayError
        from gateway.settings import load

        try:
            settings, connection = load(), self.get_conn()
            lines = _steps(self.kind, settings, connection)
        except GatewayError as wrong:
            return False, _sentence(wrong)
        told = "；".join(f"{'通过' if line.ok else '不通过'} {line.step} {line.detail}".strip() for line in lines)
        return all(line.ok for line in lines), told


def _steps(kind: str, settings: Settings, connection: Connection) -> list[Finding]:
    wanted = str(connection.extra.get("source") or "")
    if wanted:
        return _source_steps(kind, wanted, settings, connection)
    return _key_names(connection) if kind == "inbox" else _address(kind, settings, connection)


def _source_steps(kind: str, wanted: str, settings: Settings, connection: Connection) -> list[Finding]:
    import connectors
    from gateway.errors import Misconfigured
    from gateway.mapping import survey

    sources, _ = survey(settings.mappings_dir)
    for source in sources:
        if source.source == wanted and source.connector == kind:
            return connectors.check(source, connection, settings.allowed_hosts, _sentence)
    known = ", ".join(source.source for source in sources if source.connector == kind)
    raise Misconfigured("source.unknown", source=wanted, known=known)


def _sentence(error: GatewayError) -> str:
    from gateway.messages import explain

    return f"{error.code} {explain(error)}"


def _key_names(connection: Connection) -> list[Finding]:
    from gateway.connector import Finding

    keys = connection.extra.get("keys")
    names = ", ".join(keys) if isinstance(keys, dict) else ""
    return [Finding(bool(names), "keys", names or "extra.keys")]


def _address(kind: str, settings: Settings, connection: Connection) -> list[Finding]:
    """The address is allowed and answers; a database is logged in to."""
    from gateway.connector import Finding
    from gateway.errors import Transient
    from gateway.net.allow import check_host

    if kind == "database":
        return _database(settings, connection)
    scheme = connection.schema_ or connection.conn_type
    port = connection.port or PORTS.get(scheme, 443)
    check_host(connection.host, port, settings.allowed_hosts)
    try:
        socket.create_connection((connection.host, port), PATIENCE).close()
    except TimeoutError as late:
        raise Transient("net.connect_timeout", address=f"{connection.host}:{port}") from late
    except OSError as away:
        raise Transient("net.unreachable", address=f"{connection.host}:{port}") from away
    return [Finding(True, "connect", f"{connection.host}:{port}")]


def _database(settings: Settings, connection: Connection) -> list[Finding]:
    from connectors.database.survey import greet
    from gateway.connector import Finding

    return [Finding(True, "login", greet(connection, settings.allowed_hosts))]


class RestHook(GatewayHook):
    kind = "rest"
    conn_type, hook_name = PREFIX + kind, FORMS[kind]["name"]


class SoapHook(GatewayHook):
    kind = "soap"
    conn_type, hook_name = PREFIX + kind, FORMS[kind]["name"]


class HotlineHook(GatewayHook):
    kind = "hotline"
    conn_type, hook_name = PREFIX + kind, FORMS[kind]["name"]


class SftpFilesHook(GatewayHook):
    kind = "sftp_files"
    conn_type, hook_name = PREFIX + kind, FORMS[kind]["name"]


class DatabaseHook(GatewayHook):
    kind = "database"
    conn_type, hook_name = PREFIX + kind, FORMS[kind]["name"]


class InboxHook(GatewayHook):
    kind = "inbox"
    conn_type, hook_name = PREFIX + kind, FORMS[kind]["name"]
