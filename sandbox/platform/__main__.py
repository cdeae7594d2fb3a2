"""``python -m sandbox.platform``: run the national platform's double; prints one JSON line when it is ready."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from sandbox.platform.intake import LARGEST_BODY, MOST_RECORDS, Limits
from sandbox.platform.server import serve
from sandbox.platform.settings import PlatformSettings


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox.platform", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--folder", type=Path, required=True, help="ledger, clients and keys; survives restarts")
    parser.add_argument("--sender", action="append", help="registered region code (repeatable)")
    parser.add_argument("--sender-keys", type=Path, help="folder of the senders' public keys; read again when needed")
    parser.add_argument("--regions", type=Path, help="CSV with a column code")
    parser.add_argument("--items", type=Path, help="CSV with a column task_code")
    parser.add_argument("--recipient", default="NATIONAL")
    parser.add_argument("--paasid", default="gw-sandbox")
    parser.add_argument("--token", help="made at the first start when not given; see clients.json in the folder")
    parser.add_argument("--body-limit", type=int, default=LARGEST_BODY, help="bytes of a sealed batch")
    parser.add_argument("--record-limit", type=int, default=MOST_RECORDS)
    return parser.parse_args()


def _announce(about: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(about) + "\n")
    sys.stdout.flush()


def main() -> None:
    given = _arguments()
    settings = PlatformSettings(
        folder=given.folder,
        senders=given.sender or ["510000000000"],
        sender_keys=given.sender_keys,
        regions=given.regions,
        items=given.items,
        recipient=given.recipient,
        paasid=given.paasid,
        token=given.token,
        limits=Limits(given.body_limit, given.record_limit),
    )
    serve(settings, given.port, _announce)


if __name__ == "__main__":
    main()
