"""``gw sandbox``: five doubles as real servers on loopback. The package comes with the extra ``sandbox`` only."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.bootstrap import initialise
from gateway.cli.output import Json, say, show, word
from gateway.cli.tables import table
from gateway.crypto.keys import PLATFORM, KeyFolder, Use
from gateway.errors import Misconfigured
from gateway.settings import Settings, load

if TYPE_CHECKING:
    from sandbox.town import Sandbox

app = typer.Typer(no_args_is_help=True, add_completion=False)
USES: tuple[Use, ...] = ("sig", "enc")
OURS = "sandbox"  # a mark beside the pinned keys: this folder belongs to a sandbox, never to a real platform


@app.command()
def up(
    records: Annotated[int, typer.Option(min=1, max=5_000_000, help="记录总数 · over the four sources")] = 5000,
    seed: Annotated[int, typer.Option(help="同一种子生成同样的数据 · the same seed, the same data")] = 1,
    port_base: Annotated[int, typer.Option(min=0, max=65_000, help="首个端口，0 为任意空闲 · 0: free ones")] = 0,
    tick: Annotated[float, typer.Option(min=0, help="工单每步秒数 · seconds an order stays in a status")] = 3.0,
    as_json: Json = False,
) -> None:
    """启动沙箱，写好连接并登记平台公钥，直至 Ctrl-C · start, write connections, pin the platform's keys, wait."""
    try:
        from sandbox.processes import CannotStart
        from sandbox.town import AlreadyUp, running_sandbox
    except ModuleNotFoundError as missing:
        raise Misconfigured("sandbox.not_installed", module=missing.name) from missing
    settings = load()
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    initialise(settings)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    folder = settings.var_dir / "sandbox"
    try:
        with running_sandbox(
            folder, records, seed, port_base=port_base, tick=tick, keys=settings.key_folder
        ) as sandbox:
            _pin(settings, sandbox)
            show(sandbox.state())
            table(word("sandbox"), ("double", "url", "pid"), _rows(sandbox))
            say("sandbox_up", env=sandbox.env, folder=folder)
            stopped.wait()
    except AlreadyUp as running:
        raise Misconfigured("sandbox.already_up", folder=str(running)) from running
    except CannotStart as failed:
        raise Misconfigured("sandbox.cannot_start", cause=str(failed)) from failed


@app.command()
def down(as_json: Json = False) -> None:
    """停止沙箱 · stop a running sandbox."""
    from sandbox.town import take_down

    stopped = take_down(load().var_dir / "sandbox")
    show({"stopped": stopped})
    say("sandbox_down" if stopped else "sandbox_not_up")


def _pin(settings: Settings, sandbox: Sandbox) -> None:
    """Pin the double's keys; keys of a real platform are never touched."""
    folder = settings.key_folder / PLATFORM
    pinned = list(folder.glob("*.pem"))
    if pinned and not (folder / OURS).exists():
        raise Misconfigured("sandbox.real_keys_pinned", folder=str(folder))
    for path in pinned:
        path.unlink()
    (folder / OURS).touch()
    keys = KeyFolder(settings.key_folder)
    for path in sandbox.doubles["national"].about["keys"].values():
        for use in USES:
            if f"-sm2-{use}-" in Path(path).name:
                keys.pin(Path(path).read_bytes(), use)


def _rows(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    return [(name, double.url, str(double.process.pid)) for name, double in sandbox.doubles.items()]
