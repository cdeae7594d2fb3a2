"""``gw serve``: the inbox, an HTTP service for whoever pushes."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.output import Json, say, show

app = typer.Typer(add_completion=False)


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="监听地址；对外请经 TLS 反向代理 · address; put a TLS proxy in front")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="端口，0 为任意空闲 · port; 0: a free one")] = 8088,
    as_json: Json = False,
) -> None:
    """接收评价器、应用和县区系统主动推送的数据，直至 SIGTERM · take what kiosks, apps and counties push."""
    from gateway.inbox.app import make_app
    from gateway.inbox.desk import Desk
    from gateway.inbox.doors import open_doors
    from gateway.inbox.server import bind
    from gateway.inbox.server import serve as serve_app

    context = gateway()
    doors = open_doors(context.settings, context.sources)
    sock = bind(host, port)
    url = f"http://{host if ':' not in host else f'[{host}]'}:{sock.getsockname()[1]}"

    def ready() -> None:
        show({"url": url, "sources": sorted(doors)})
        say("serve_up", url=url, sources="、".join(sorted(doors)))

    with sock:
        serve_app(make_app(Desk(context, doors)), sock, ready)
    say("serve_down")
