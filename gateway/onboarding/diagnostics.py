"""A bundle for whoever helps from afar (诊断包): how a source stands, without personal data and without a secret.

What goes in is chosen, never filtered: codes, counts, moments, names of fields, the source file with every free value
replaced by its shape. Bodies, cells, cursors' values, credentials and names of files stay out.
"""

from __future__ import annotations

import io
import json
import platform
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from gateway.errors import GatewayError
from gateway.onboarding import masking
from gateway.onboarding.coverage import coverage
from gateway.onboarding.gates import Limits, gates
from gateway.onboarding.undecided import undecided
from gateway.settings import Settings
from gateway.stages import life
from gateway.stages.causes import causes
from gateway.stages.context import Context
from gateway.store import audit, figures, lives, sources
from gateway.store.schema import schema_version

DAYS = 7
FREE = {"params", "headers", "fields", "only", "arguments", "start", "text", "scope"}  # options a person fills freely


def bundle(context: Context, source_id: str) -> bytes:
    """A ZIP of JSON files. Raises ``Misconfigured`` when nobody knows the source."""
    context.source(source_id)
    parts: dict[str, Callable[[Context, str], Any]] = {
        "about": _about,
        "source": _source,
        "connection": _connection,
        "state": _state,
        "counts": _counts,
        "problems": _problems,
        "coverage": lambda context, source_id: coverage(context.source(source_id), context.masters),
        "gates": _gates,
        "shadow": _shadow,
        "audit": _audit,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            try:
                told = part(context, source_id)
            except GatewayError as failure:
                told = {"error": failure.code}
            archive.writestr(f"{name}.json", json.dumps(told, ensure_ascii=False, indent=1, default=_plain))
    return packed.getvalue()


def _plain(value: Any) -> Any:
    fields = getattr(value, "__dataclass_fields__", None)
    return {name: getattr(value, name) for name in fields} if fields else str(value)


def _about(context: Context, source_id: str) -> Any:
    try:
        release = version("haochaping-gateway")
    except PackageNotFoundError:
        release = "source"
    return {
        "source": source_id,
        "made_at": context.clock().isoformat(),
        "release": release,
        "python": platform.python_version(),
        "system": platform.system(),
        "database": context.store.dialect,
        "schema": schema_version(context.store),
    }


def _source(context: Context, source_id: str) -> Any:
    source = context.source(source_id)
    head = source.model_dump(include={"source", "connector", "connection", "region", "schedule", "enabled", "gated"})
    return {
        **head,
        "options": _bare(source.options, ""),
        "mapping": source.mapping,
        "undecided": [place._asdict() for place in undecided(source)],
    }


def _bare(node: Any, name: str) -> Any:
    """Options with their free values as shapes; what a secret might be called is one."""
    if isinstance(node, dict):
        shaped = name in FREE
        return {key: masking.shape(one, key) if shaped else _bare(one, str(key)) for key, one in node.items()}
    if isinstance(node, list):
        return [_bare(one, name) for one in node]
    if isinstance(node, str) and (name in FREE or masking.SECRET.fullmatch(name)):
        return masking.told(node, name)
    return node


def _connection(context: Context, source_id: str) -> Any:
    settings: Settings = context.settings
    held = settings.connection(context.source(source_id).connection)
    return {
        "conn_type": held.conn_type,
        "schema": held.schema_,
        "host": held.host.rpartition("@")[2],
        "port": held.port,
        "login": bool(held.login),
        "password": bool(held.password.get_secret_value()),
        "extra": sorted(held.extra),
        "allowed_hosts": settings.allowed_hosts,
    }


def _state(context: Context, source_id: str) -> Any:
    with context.store.read() as transaction:
        state = sources.state(transaction, source_id)
        lived = life.lived(transaction, context.source(source_id))
    if state is None:
        return {"life": lived._asdict()}
    kept = asdict(state)
    for name in ("cursor", "unfinished", "error_detail", "suspended_detail"):
        kept[name] = bool(kept[name])
    return {"life": lived._asdict(), **kept}


def _counts(context: Context, source_id: str) -> Any:
    now = context.clock()
    with context.store.read() as transaction:
        return [
            {"until": (now - timedelta(days=back)).isoformat(), **counts._asdict()}
            for back in range(DAYS)
            for counts in figures.source_counts(
                transaction, now - timedelta(days=back + 1), now - timedelta(days=back), source_id
            )
        ]


def _problems(context: Context, source_id: str) -> Any:
    return [
        {"code": cause.code, "field": cause.field, "path": cause.source_path, "records": cause.records}
        for cause in causes(context, source_id)
    ]


def _gates(context: Context, source_id: str) -> Any:
    settings = context.settings
    looked = gates(context, source_id, Limits(settings.go_live_share, settings.shadow_days))
    return [{"gate": gate.name, "passed": gate.passed, "code": gate.code} for gate in looked]


def _shadow(context: Context, source_id: str) -> Any:
    with context.store.read() as transaction:
        return [line._asdict() for line in lives.shadow_days(transaction, source_id)]


def _audit(context: Context, source_id: str) -> Any:
    """Acts and moments; who did it and why are free texts of people, and stay here."""
    with context.store.read() as transaction:
        acts = audit.of_object(transaction, source_id)
    return [{"at": act.happened_at.isoformat(), "act": act.act, "outcome": act.outcome} for act in acts]
