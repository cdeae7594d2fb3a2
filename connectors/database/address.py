"""From a connection to an SQLAlchemy URL: credentials by reference, the address on the allow-list."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from gateway.errors import Misconfigured
from gateway.net.allow import check_host
from gateway.settings import Connection

DRIVERS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "sqlite": "sqlite+pysqlite",
}
PORTS = {"postgresql": 5432, "mysql": 3306, "mariadb": 3306, "oracle": 1521, "mssql": 1433, "dm": 5236}
# What a driver may be told in the URL. Whatever names another host, a socket or a file of options is not among it.
QUERY = {
    *("charset", "client_encoding", "sslmode", "sslrootcert", "sslcert", "sslkey", "application_name"),
    *("ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity", "service_name", "schema", "encrypt"),
}


def address(connection: Connection, allowed_hosts: str) -> URL:
    """The URL with its credentials: never shown, never logged.

    ``conn_type`` names the kind of database, ``schema`` its name; ``extra.url`` is for every other kind: an SQLAlchemy
    URL without credentials. Raises ``Misconfigured``: ``database.url``, ``net.not_allowed``.
    """
    url = _written(connection)
    if url.password is not None or url.username is not None or not set(url.query) <= QUERY:
        raise Misconfigured("database.url", reason=", ".join(sorted(set(url.query) - QUERY)) or "credentials")
    if url.get_backend_name() == "sqlite":
        if not url.database or not Path(url.database).is_absolute():
            raise Misconfigured("database.url", reason="sqlite: an absolute path")
        return url
    port = url.port or PORTS.get(url.get_backend_name())
    check_host(url.host or "", port, allowed_hosts)
    return url.set(username=connection.login or None, password=connection.password.get_secret_value() or None)


def _written(connection: Connection) -> URL:
    given = str(connection.extra.get("url") or "")
    try:
        if given:
            url = make_url(given)
            return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
        driver = DRIVERS[connection.conn_type.lower()]
    except (ArgumentError, ValueError, KeyError) as unknown:
        raise Misconfigured("database.url", reason="kind") from unknown
    query = {"charset": "utf8mb4"} if "pymysql" in driver else {}
    query |= {str(name): str(value) for name, value in dict(connection.extra.get("query") or {}).items()}
    path = connection.schema_ or connection.host if driver.startswith("sqlite") else connection.schema_
    host = None if driver.startswith("sqlite") else connection.host
    return URL.create(driver, host=host, port=connection.port, database=path or None, query=query)
