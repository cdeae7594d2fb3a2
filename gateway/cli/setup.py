"""``gw init`` and ``gw doctor``: a deployment's own health."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime

from gateway.bootstrap import initialise, open_context
from gateway.cli.output import Exit, Json, leave, mode, say, show, table, word
from gateway.connector import Finding
from gateway.crypto import sm2
from gateway.crypto.keys import KeyFolder
from gateway.errors import Bug, GatewayError, Misconfigured
from gateway.mapping import load_sources
from gateway.messages import explain
from gateway.national.target import load_target
from gateway.settings import Settings, load
from gateway.stages import delivery_acts

LEAST_FREE = 1 << 30  # bytes


def init(as_json: Json = False) -> None:
    """建库、迁移、生成密钥；可重复执行 · database, migrations, keys; what is there stays."""
    settings = load()
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    revision = initialise(settings)
    keys = KeyFolder(settings.key_folder).list()
    show({"schema": revision, "keys": len(keys), "home": settings.home, "var": settings.var_dir})
    say("initialised", revision=revision, var=settings.var_dir, keys=len(keys))


def doctor(as_json: Json = False) -> None:
    """体检：数据库、密钥、配置、磁盘、时钟、目的地 · database, keys, configuration, disk, clock, target."""
    settings = load()
    checks: list[tuple[str, Callable[[Settings], str]]] = [
        ("sm2", _sm2),
        ("database", _database),
        ("keys", _keys),
        ("sources", _sources),
        ("disk", _disk),
        ("target", _target),
    ]
    findings = [_finding(step, look, settings) for step, look in checks]
    show(findings)
    table(
        word("doctor"),
        [word(name) for name in ("step", "result", "detail")],
        [(word(f"step.{line.step}"), word("ok") if line.ok else word("not_ok"), line.detail) for line in findings],
    )
    wrong = sum(not line.ok for line in findings)
    leave(Exit.DONE if not wrong else Exit.MISCONFIGURED)


COMMANDS = (init, doctor)


def _finding(step: str, look: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        return Finding(ok=True, step=step, detail=look(settings))
    except GatewayError as wrong:
        return Finding(ok=False, step=step, detail=f"{wrong.code} {explain(wrong, mode.lang)}")


def _sm2(settings: Settings) -> str:
    key = sm2.generate()
    if not sm2.verify(key.public, b"gw doctor", sm2.sign(key, b"gw doctor")):
        raise Bug("doctor.sm2_wrong")
    return "SM2 SM3 SM4"


def _database(settings: Settings) -> str:
    store = open_context(settings).store
    return f"{store.dialect} {store.address}"


def _keys(settings: Settings) -> str:
    folder = KeyFolder(settings.key_folder)
    return (
        f"{folder.signer.key_id} · {word('pinned')} {sum(entry.what.startswith('platform') for entry in folder.list())}"
    )


def _sources(settings: Settings) -> str:
    return ", ".join(source.source for source in load_sources(settings.mappings_dir))


def _disk(settings: Settings) -> str:
    free = shutil.disk_usage(settings.var_dir).free
    if free < LEAST_FREE:
        raise Misconfigured("doctor.disk_full", path=str(settings.var_dir), free_mb=free >> 20)
    return f"{free >> 30} GiB {word('free')} · {settings.var_dir}"


def _target(settings: Settings) -> str:
    target = load_target(settings.targets_dir, "national")
    delivery_acts.ping_target(open_context(settings), target.target)
    return f"{target.name} · {settings.connection(target.connection).url} · {datetime.now(UTC):%H:%M:%SZ}"
