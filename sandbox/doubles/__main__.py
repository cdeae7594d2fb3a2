"""``python -m sandbox.doubles portal|app|kiosk|hotline --folder DIR [--port N] …``: one double, until a signal.

Each double is imported only where it runs: asyncssh and lxml are slow to load.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from sandbox.doubles.places import ORDERS
from sandbox.doubles.serving import LOOPBACK, bind, port_of, run, serve
from sandbox.doubles.stage import Stage
from sandbox.secrets import read_secrets

TICK_SECONDS = 3.0


async def portal(options: argparse.Namespace) -> None:
    from sandbox.doubles.portal import Portal

    secret = read_secrets(options.folder)["portal"]
    double = Portal(options.folder / "data" / "portal.jsonl", secret.login, secret.password)
    await _serve_http("portal", double.stage(), options.port)


async def app(options: argparse.Namespace) -> None:
    from sandbox.doubles.app import App

    secret = read_secrets(options.folder)["app"]
    double = App(options.folder / "data" / "app.jsonl", secret.login, secret.password)
    await _serve_http("app", double.stage(), options.port)


async def hotline(options: argparse.Namespace) -> None:
    from sandbox.doubles.hotline import Hotline

    secret = read_secrets(options.folder)["hotline"]
    data, store = options.folder / "data" / "hotline.jsonl", options.folder / ORDERS
    double = Hotline(data, secret.password, store, options.tick)
    async with double.clock():
        await _serve_http("hotline", double.stage(), options.port)


async def kiosk(options: argparse.Namespace) -> None:
    from sandbox.doubles.kiosk import Kiosk

    secret = read_secrets(options.folder)["kiosk"]
    double = Kiosk(options.folder / "data" / "kiosk", options.folder, secret.login, secret.password)
    files, desk = bind(options.port), bind(options.admin_port)
    announcement = {
        "name": "kiosk",
        "url": f"sftp://{LOOPBACK}:{port_of(files)}",
        "admin": f"http://{LOOPBACK}:{port_of(desk)}",
        "host_key": double.host_key,
    }
    async with await double.listen(files):
        await serve(double.stage(), desk, announcement)


async def _serve_http(name: str, stage: Stage, port: int) -> None:
    sock = bind(port)
    url = f"http://{LOOPBACK}:{port_of(sock)}"
    await serve(stage, sock, {"name": name, "url": url, "admin": url})


DOUBLES: dict[str, Callable[[argparse.Namespace], Coroutine[Any, Any, None]]] = {
    "portal": portal,
    "app": app,
    "kiosk": kiosk,
    "hotline": hotline,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox.doubles", description="run one double on loopback")
    parser.add_argument("double", choices=sorted(DOUBLES))
    parser.add_argument("--folder", type=Path, required=True, help="what the generator filled; also holds secrets")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--admin-port", type=int, default=0, help="kiosk: the HTTP desk beside SFTP")
    parser.add_argument("--tick", type=float, default=TICK_SECONDS, help="hotline: seconds a status; 0: by hand")
    options = parser.parse_args()
    return run(lambda: DOUBLES[options.double](options))


if __name__ == "__main__":
    sys.exit(main())
