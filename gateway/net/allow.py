"""The allow-list of outbound addresses (出站白名单): nothing is called that an administrator did not name."""

from __future__ import annotations

from urllib.parse import urlsplit

from gateway.errors import Misconfigured

DEFAULT_PORTS = {"http": 80, "https": 443, "sftp": 22, "ftp": 21}
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def check_allowed(url: str, allowed_hosts: str) -> None:
    """Refuse ``url`` unless its host, or host:port, stands in the comma-separated ``allowed_hosts``.

    Plain ``http`` is refused beyond loopback. Raises ``Misconfigured``: ``net.not_allowed``, ``net.plain_http``.
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    if parts.scheme not in DEFAULT_PORTS:
        raise Misconfigured("net.not_allowed", host=f"{host}:{port}", setting="GW_ALLOWED_HOSTS")
    check_host(host, port, allowed_hosts)
    if parts.scheme == "http" and host not in LOOPBACK:
        raise Misconfigured("net.plain_http", host=host)


def check_host(host: str, port: int | None, allowed_hosts: str) -> None:
    """The same for an address that is no URL. Raises ``Misconfigured('net.not_allowed')``."""
    allowed = {entry.strip().lower() for entry in allowed_hosts.split(",") if entry.strip()}
    if not host or not ({host.lower(), f"{host}:{port}".lower()} & allowed):
        raise Misconfigured("net.not_allowed", host=f"{host}:{port}", setting="GW_ALLOWED_HOSTS")
