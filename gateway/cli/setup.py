"""``gw init`` and ``gw doctor``: a deployment's own health."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from functools import partial

import typer

from gateway.bootstrap import initialise, key_folder
from gateway.cli.key_waits import key_waiting
from gateway.cli.opening import gateway
from gateway.cli.output import Exit, Json, leave, mode, say, show, word
from gateway.cli.tables import table
from gateway.connector import Finding
from gateway.crypto import sm2
from gateway.crypto.keys import PLATFORM
from gateway.domain.moments import day_text
from gateway.errors import Bug, GatewayError, Misconfigured
from gateway.hotline.profile import load_profile
from gateway.mapping import survey
from gateway.messages import explain
from gateway.national.target import NATIONAL, BrokenTarget, TargetFile, load_target, survey_targets
from gateway.settings import Settings, load
from gateway.stages import delivery_acts, own_keys
from gateway.stages.context import system_clock
from gateway.stages.hotline_target import PROFILE

Look = Callable[[Settings], str]
app = typer.Typer(add_completion=False)
NO_CALL = "profile.no_call"  # nothing of it can be tried without sending a record
LEAST_FREE = 1 << 30  # bytes


@app.command()
def init(as_json: Json = False) -> None:
    """建库、迁移、生成密钥；可重复执行，已有的不动。 · Make or upgrade database and keys; what is there stays."""
    settings = load()
    settings.var_dir.mkdir(parents=True, exist_ok=True)
    revision = initialise(settings)
    keys = key_folder(settings).list()
    show({"schema": revision, "keys": len(keys), "home": settings.home, "var": settings.var_dir})
    say("initialised", revision=revision, var=settings.var_dir, keys=len(keys))


@app.command()
def doctor(as_json: Json = False) -> None:
    """体检：国密库、数据库、密钥、数据源、磁盘、12345、各上报平台。每项都查完；有不通过的，退出码 5。

    · Check SM2, database, keys, sources, disk, 12345 and every receiver, each to the end; exit code 5 if any is wrong.
    """
    settings = load()
    checks: list[tuple[str, Look]] = [
        ("sm2", _sm2),
        ("database", _database),
        ("keys", _keys),
        ("sources", _sources),
        ("disk", _disk),
        ("hotline", _hotline),
        *(("target", look) for look in _targets(settings)),
    ]
    findings = [_finding(step, look, settings) for step, look in checks]
    show(findings)
    table(
        "",
        ("step", "result", "detail"),
        [(word(f"step.{line.step}"), word("ok") if line.ok else word("not_ok"), line.detail) for line in findings],
        prose="detail",
    )
    leave(Exit.DONE if all(line.ok for line in findings) else Exit.MISCONFIGURED)


def _finding(step: str, look: Look, settings: Settings) -> Finding:
    try:
        return Finding(ok=True, step=step, detail=look(settings))
    except GatewayError as wrong:
        return Finding(ok=False, step=step, detail=f"{wrong.code} {explain(wrong, mode.lang)}")
    except OSError as refused:
        return Finding(ok=False, step=step, detail=f"{refused.filename or ''} {refused.strerror or ''}".strip())


def _sm2(settings: Settings) -> str:
    key = sm2.generate()
    if not sm2.verify(key.public, b"gw doctor", sm2.sign(key, b"gw doctor")):
        raise Bug("doctor.sm2_wrong")
    return f"SM2 SM3 SM4 · {sm2.provider()}"


def _database(settings: Settings) -> str:
    store = gateway(settings).store
    return f"{store.dialect} {store.address}"


def _keys(settings: Settings) -> str:
    """Our own keys, and the platform's: without those no receipt can be believed and nothing be sealed."""
    folder = key_folder(settings)
    ours = f"{folder.signer.key_id} {word('kek')} {folder.kek.kek_id}"
    pinned = sorted(entry.what for entry in folder.list() if entry.what.startswith("platform"))
    if len(set(pinned)) < 2:
        raise Misconfigured("doctor.platform_unpinned", path=str(folder.path / PLATFORM))
    ending = own_keys.folder_warnings(folder, settings, system_clock())
    expired = [warning for warning in ending if warning.code == "key_expired"]
    if expired:
        first = expired[0]
        raise Misconfigured("keys.expired", what=first.what, key_id=first.key_id, until=day_text(first.until))
    told = "".join(f" · {key_waiting(warning).sentence(mode.lang)}" for warning in ending)
    return f"{ours} · {word('pinned')} {len(pinned)}{told}"


def _sources(settings: Settings) -> str:
    sources, broken = survey(settings.mappings_dir)
    if broken:
        raise broken[0].error
    for source in sources:
        settings.connection(source.connection)
    return ", ".join(source.source for source in sources)


def _disk(settings: Settings) -> str:
    free = shutil.disk_usage(settings.var_dir).free
    if free < LEAST_FREE:
        raise Misconfigured("doctor.disk_full", path=str(settings.var_dir), free_mb=free >> 20)
    return f"{free >> 30} GiB {word('free')} · {settings.var_dir}"


def _hotline(settings: Settings) -> str:
    profile = load_profile(settings.targets_dir / PROFILE)
    return settings.connection(profile.connection).url


def _targets(settings: Settings) -> Iterator[Look]:
    """A look at each receiver that is pushed to, and at each file that can't be used; the national one's is missed."""
    targets = survey_targets(settings.targets_dir)
    yield from (partial(_broken_target, one) for one in targets.broken)
    yield from (partial(_target, one) for one in targets.pushed)
    if not (targets.usable or targets.broken):
        yield lambda settings: _target(load_target(settings.targets_dir, NATIONAL.target), settings)


def _broken_target(target: BrokenTarget, _settings: Settings) -> str:
    raise target.error


def _target(target: TargetFile, settings: Settings) -> str:
    known = f"{target.name} · {settings.connection(target.connection).url}"
    try:
        delivery_acts.ping_target(gateway(settings), target.target)
    except Misconfigured as met:
        if met.code != NO_CALL:
            raise
        return f"{known} · {explain(met, mode.lang)}"
    return known
