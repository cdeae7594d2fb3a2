"""``python -m sandbox up`` and ``down``: the sources, the hotline and the national platform on this machine."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from datetime import datetime
from pathlib import Path

from sandbox.processes import CannotStart
from sandbox.town import AlreadyUp, Sandbox, running_sandbox, take_down

NAMES = {
    "portal": "政务服务网",
    "app": "移动应用",
    "kiosk": "自助终端",
    "hotline": "12345热线",
    "national": "国家平台",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="the sandbox on loopback")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="generate data, start the doubles, wait until stopped")
    down = commands.add_parser("down", help="stop a running sandbox")
    for command in (up, down):
        command.add_argument("--folder", type=Path, default=Path("var/sandbox"))
    up.add_argument("--records", type=int, default=5_000, help="over the four sources")
    up.add_argument("--seed", type=int, default=1)
    up.add_argument("--port-base", type=int, default=0, help="first of six ports; 0: free ones")
    up.add_argument("--tick", type=float, default=3.0, help="seconds a hotline order stays in a status; 0: by hand")
    up.add_argument("--base", type=datetime.fromisoformat, help="latest moment of sending, RFC 3339; default: now")
    up.add_argument("--keys", type=Path, help="the sender's public keys; default: keys beside the folder")
    up.add_argument("--json", action="store_true", help="print the state as one JSON line")
    options = parser.parse_args()
    return _down(options) if options.command == "down" else _up(options)


def _up(options: argparse.Namespace) -> int:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with running_sandbox(
            options.folder,
            options.records,
            options.seed,
            port_base=options.port_base,
            tick=options.tick,
            base=options.base,
            keys=options.keys,
        ) as sandbox:
            sys.stdout.write(json.dumps(sandbox.state()) + "\n" if options.json else _table(sandbox))
            sys.stdout.flush()
            stopped.wait()
    except AlreadyUp as running:
        sys.stderr.write(f"沙箱已在运行: {running}；请先执行 python -m sandbox down\n")
        return 2
    except CannotStart as failed:
        sys.stderr.write(f"沙箱未能启动: {failed}\n")
        return 2
    return 0


def _down(options: argparse.Namespace) -> int:
    stopped = take_down(options.folder)
    sys.stdout.write("沙箱已停止\n" if stopped else "沙箱没有运行\n")
    return 0


def _table(sandbox: Sandbox) -> str:
    lines = [f"沙箱已就绪  连接写入 {sandbox.env}  数据与真相 {sandbox.folder}", ""]
    for name, double in sandbox.doubles.items():
        lines.append(f"  {name:<9} {double.url:<28} pid {double.process.pid:<8} {NAMES[name]}")
    return "\n".join(
        [*lines, "", "Ctrl-C 停止；故障注入 POST <地址>/sandbox/faults，实况 GET <地址>/sandbox/oracle", ""]
    )


if __name__ == "__main__":
    sys.exit(main())
