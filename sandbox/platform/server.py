"""The platform as a server on loopback."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from sandbox.platform.api import Api
from sandbox.platform.assembly import Platform, assemble
from sandbox.platform.bench_api import BenchApi
from sandbox.platform.connections import CuttableProtocol
from sandbox.platform.settings import PlatformSettings

HOST = "127.0.0.1"


def build_app(platform: Platform) -> Starlette:
    """Both faces over one platform, which is closed with the app."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> Any:
        yield
        platform.close()

    return Starlette(routes=[*Api(platform).routes(), *BenchApi(platform).routes()], lifespan=lifespan)


class _AnnouncedServer(uvicorn.Server):
    """Says when it takes connections."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()


def serve(settings: PlatformSettings, port: int, ready: Callable[[dict[str, Any]], None]) -> None:
    """Serve until SIGTERM or SIGINT. ``port`` 0 takes a free one; ``ready`` gets the address and the files."""
    platform = assemble(settings)
    # Thousands of short-lived dicts a batch and hardly a cycle: the collector would take a seventh of the time.
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    about = {
        "url": url,
        "recipient": settings.recipient,
        "clients": str(settings.clients_file),
        "keys": {key.listed()["keyId"]: str(path) for key, path in _exported(platform)},
    }
    config = uvicorn.Config(
        build_app(platform),
        http=CuttableProtocol,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    _AnnouncedServer(config, lambda: ready(about)).run(sockets=[listener])


def _exported(platform: Platform) -> Any:
    return zip(platform.own_keys.all, platform.own_keys.export(platform.settings.public_folder), strict=True)
