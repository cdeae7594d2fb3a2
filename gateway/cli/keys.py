"""``gw keys``: our signature and encryption keys, the data keys, the key-encryption key, and how they are changed."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway.bootstrap import key_folder
from gateway.cli.key_waits import key_waiting
from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Exit, Json, leave, mode, say, show, tell, word
from gateway.cli.tables import table
from gateway.crypto.key_store import LIFETIME
from gateway.crypto.signers import ES256, SM3_SM2
from gateway.crypto.wrappers import RSA_OAEP_256, SM2
from gateway.domain.moments import day_text
from gateway.errors import Rejected
from gateway.messages import explain
from gateway.settings import load
from gateway.stages import own_keys
from gateway.stages import rotate as rotation

app = typer.Typer(no_args_is_help=True, add_completion=False)


class Pair(StrEnum):
    """What a key pair of ours is for."""

    SIGNATURE = "signature"
    ENCRYPTION = "encryption"


class Rotated(StrEnum):
    """What is exchanged for its successor."""

    DATA = "data"
    SIGNATURE = "signature"
    ENCRYPTION = "encryption"


ALGORITHMS = {
    (Pair.SIGNATURE, False): SM3_SM2,
    (Pair.SIGNATURE, True): ES256,
    (Pair.ENCRYPTION, False): SM2,
    (Pair.ENCRYPTION, True): RSA_OAEP_256,
}
International = Annotated[bool, typer.Option("--intl", help="国际算法（INTL-1 套件） · for the suite INTL-1")]
KeyId = Annotated[str, typer.Argument(help="密钥标识 · the key's id")]


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """数据密钥与密钥目录，不含密钥本身 · data keys and the key folder; never key material."""
    context = gateway()
    rows, files = rotation.data_keys(context), context.keys.list()
    show({"data_keys": rows, "folder": files})
    table(
        word("keys.data"),
        ("keys.key_id", "keys.purpose", "keys.algorithm", "state", "keys.kek", "keys.since", "keys.until"),
        [
            (r.key_id, r.purpose, r.alg, _state(r.state), r.kek_id, day_text(r.not_before), day_text(r.not_after))
            for r in rows
        ],
    )
    table(
        word("keys.folder"),
        ("keys.what", "keys.key_id", "keys.algorithm", "state", "keys.since", "keys.until"),
        [
            (
                entry.what,
                entry.key_id,
                entry.algorithm,
                _state(entry.state),
                day_text(entry.not_before),
                day_text(entry.not_after),
            )
            for entry in files
        ],
    )


def _state(state: str) -> str:
    """The state's name; the platform's pinned keys have none."""
    return word(f"keys.state.{state}") if state else ""


@app.command()
def new(
    pair: Annotated[Pair, typer.Argument(help="signature 签名 · encryption 加密")],
    international: International = False,
    days: Annotated[int, typer.Option(min=1, max=3650, help="有效天数 · days that it is valid")] = LIFETIME.days,
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """生成待启用的密钥对；向对方登记公钥后再 rotate · a pending key pair; rotate once its public half is registered."""
    entry = own_keys.make_key(gateway(), ALGORITHMS[pair, international], days, actor(), required(reason))
    show(entry)
    say("keys.made", key_id=entry.key_id, algorithm=entry.algorithm)


@app.command()
def rotate(
    what: Annotated[Rotated, typer.Argument(help="data 数据密钥 · signature, encryption")] = Rotated.DATA,
    international: International = False,
    key: Annotated[
        str, typer.Option("--key", help="待启用的有几把时，用哪一把 · which, where several are pending")
    ] = "",
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """启用新密钥，旧密钥仅解密或验签 · the new key is used from now on; the old one only opens or verifies."""
    context, why = gateway(), required(reason)
    if what is Rotated.DATA and not key:
        key_id = rotation.rotate(context, actor(), why)
        show({"key_id": key_id})
        say("keys.rotated", key_id=key_id)
        return
    if what is Rotated.DATA:  # data keys are never pending
        raise Rejected("keys.none_pending", algorithm=what, found="-")
    pending = own_keys.pending_key(context, ALGORITHMS[Pair(what.value), international], key)
    entry = own_keys.activate_key(context, pending, actor(), why)
    show(entry)
    say("keys.activated", key_id=entry.key_id, algorithm=entry.algorithm)


@app.command()
def export(
    key_id: Annotated[str | None, typer.Argument(help="密钥标识，缺省为全部 · a key's id; all without it")] = None,
    folder: Annotated[
        Path | None, typer.Option("--to", file_okay=False, help="写入该目录 · write PEM files into this folder")
    ] = None,
    as_json: Json = False,
) -> None:
    """导出本方公钥及其指纹，供对方登记；从不导出私钥 · our public keys with fingerprints; private keys never."""
    halves = own_keys.public_halves(key_folder(load()), key_id)
    show(halves)
    for half in halves:
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{half.key_id}.pub.pem").write_text(half.pem, encoding="ascii")
        say(
            "keys.exported",
            key_id=half.key_id,
            algorithm=half.algorithm,
            state=_state(half.state),
            sm3=half.fingerprint,
        )
        if folder is None:
            tell(half.pem)


@app.command()
def check(as_json: Json = False) -> None:
    """逐一试用每把密钥，并提示将到期的；有不通过的，退出码 5 · try every key once; exit code 5 if any is wrong."""
    context = gateway()
    checks, warnings = own_keys.check_keys(context), own_keys.key_warnings(context)
    told = [
        {
            "what": one.what,
            "key_id": one.key_id,
            "ok": one.error is None,
            "detail": "" if one.error is None else f"{one.error.code} {explain(one.error, mode.lang)}",
        }
        for one in checks
    ]
    show({"checks": told, "warnings": warnings})
    table(
        "",
        ("keys.what", "keys.key_id", "result", "detail"),
        [(one["what"], one["key_id"], word("ok") if one["ok"] else word("not_ok"), one["detail"]) for one in told],
        prose="detail",
    )
    for warning in warnings:
        tell(f"  · {key_waiting(warning).sentence(mode.lang)}")
    leave(Exit.DONE if all(one["ok"] for one in told) else Exit.MISCONFIGURED)


@app.command()
def backfill(as_json: Json = False) -> None:
    """旧密文改用当前数据密钥，可中断后续跑 · seal old cells with the active key; goes on where it was cut short."""
    report = rotation.backfill(gateway())
    show(report)
    told = ", ".join(f"{cell} {number}" for cell, number in report.cells.items())
    say("keys.backfilled", key_id=report.key_id, cells=told)


@app.command()
def destroy(key_id: KeyId, reason: Reason = "", as_json: Json = False) -> None:
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
