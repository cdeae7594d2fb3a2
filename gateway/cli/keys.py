"""``gw keys``: data keys and the key-encryption key, and how they are changed."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Json, say, show, word
from gateway.cli.tables import table
from gateway.stages import rotate as rotation

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """数据密钥与密钥目录，不含密钥本身 · data keys and the key folder; never key material."""
    context = gateway()
    rows, files = rotation.data_keys(context), context.keys.list()
    show({"data_keys": rows, "folder": files})
    table(
        word("keys.data"),
        ("keys.key_id", "keys.purpose", "keys.algorithm", "state", "keys.kek", "keys.since", "keys.until"),
        [(r.key_id, r.purpose, r.alg, r.state, r.kek_id, r.not_before, r.not_after) for r in rows],
    )
    table(
        word("keys.folder"),
        ("keys.what", "keys.key_id", "keys.algorithm"),
        [(entry.what, entry.key_id, entry.algorithm) for entry in files],
    )


@app.command()
def rotate(reason: Reason = "", as_json: Json = False) -> None:
    """启用新的数据密钥，旧密钥仅解密 · a new data key seals from now on; the old one only opens."""
    key_id = rotation.rotate(gateway(), actor(), required(reason))
    show({"key_id": key_id})
    say("keys.rotated", key_id=key_id)


@app.command()
def backfill(as_json: Json = False) -> None:
    """旧密文改用当前数据密钥，可中断后续跑 · seal old cells with the active key; goes on where it was cut short."""
    report = rotation.backfill(gateway())
    show(report)
    told = ", ".join(f"{cell} {number}" for cell, number in report.cells.items())
    say("keys.backfilled", key_id=report.key_id, cells=told)


@app.command()
def destroy(
    key_id: Annotated[str, typer.Argument(help="密钥标识 · the data key's id")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """销毁不再使用的数据密钥 · destroy a retired data key that no cell names any more."""
    rotation.destroy(gateway(), key_id, actor(), required(reason))
    show({"key_id": key_id, "destroyed": True})
    say("keys.destroyed", key_id=key_id)


@app.command()
def rewrap(reason: Reason = "", as_json: Json = False) -> None:
    """更换密钥加密密钥，不动密文 · a new key-encryption key wraps the data keys; no cell is touched."""
    key_id = rotation.rewrap_all(gateway(), actor(), required(reason))
    show({"kek_id": key_id})
    say("keys.rewrapped", key_id=key_id)
