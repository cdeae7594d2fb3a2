"""Open connections by the client's address, so that a fault can cut one without an answer."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

_open: dict[tuple[str, int], asyncio.Transport] = {}


class CuttableProtocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's protocol; it only remembers its transport."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._address = transport.get_extra_info("peername")[:2]
        _open[self._address] = transport

    def connection_lost(self, error: Exception | None) -> None:
        _open.pop(self._address, None)
        super().connection_lost(error)


def transport_of(client: tuple[str, int] | None) -> asyncio.Transport | None:
    """The connection of the request whose ASGI scope names this client."""
    return None if client is None else _open.get(client)
