"""``gw explain``: where a record came from, which rule gave which value, and what became of it."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import actor, required
from gateway.cli.output import Json, mode, say, show, tell, word
from gateway.cli.tables import table
from gateway.domain.moments import shanghai_text
from gateway.mapping.sentence import sentence
from gateway.messages import text
from gateway.stages.explain import Lineage, Origin, RefusedTrace, VersionTrace, unmasked
from gateway.stages.explain import explain as explain_record

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command()
def explain(
    record: Annotated[
        str,
        typer.Argument(
            help="主键、办件编号、页号:序号、批次:序号、工单号 · key, case, page:index, batch:item or order"
        ),
    ],
    unmask: Annotated[bool, typer.Option("--unmask", help="查看明文，须给原因并审计 · in clear; audited")] = False,
    reason: Annotated[str, typer.Option("--reason", help="原因，记入审计 · why; goes to the audit")] = "",
    as_json: Json = False,
) -> None:
    """一条记录的来路与去向：原始字节、映射、台账、批次、回执、工单 · one record's way; personal data masked."""
    context = gateway()
    found = unmasked(context, record, actor(), required(reason)) if unmask else explain_record(context, record)
    show(_document(found))
    if not mode.json:
        _tell(found)


def _document(found: Lineage) -> dict[str, Any]:
    """Plain objects throughout; named tuples would become lists."""
    return {name: _plain(getattr(found, name)) for name in Lineage.__slots__}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: _plain(each) for name, each in value._asdict().items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


def _tell(found: Lineage) -> None:
    for origin in found.origins:
        _tell_origin(origin)
    for refused in found.refused:
        _tell_refused(refused)
    for version in found.versions:
        _tell_version(version)
    for trace in found.orders:
        order = trace.order
        line = f"{order.external_id}  {order.state} {order.state_name}  {order.remote_no or '–'}"
        tell(word("explain.order", order=line))
        table(
            word("history"),
            ("time", "event", "state", "actor", "detail"),
            [(e.happened_at, e.event, e.to_state, e.actor, e.payload) for e in trace.events],
        )


def _tell_origin(origin: Origin) -> None:
    page = origin.page
    if page is None:
        return
    say(
        "explain.origin",
        place=f"{origin.page_id}:{origin.page_index}",
        source=page.source_id,
        origin=page.origin,
        received=shanghai_text(page.received_at),
        bytes=page.body_bytes,
        digest=page.body_digest[:16],
    )
    if origin.failure is not None:
        tell(f"  ! {origin.failure} {text(origin.failure, mode.lang)}")
        return
    say(
        "explain.rules" if origin.same_rules else "explain.other_rules",
        then=_short(page.rule_version),
        now=_short(origin.rule_version),
    )
    if origin.repeated is not None:
        say(
            "explain.repeats",
            record=origin.repeated.record_key or f"{origin.repeated.first_page_id}:{origin.repeated.first_page_index}",
        )
    table(
        word("explain.mapping"),
        ("explain.attribute", "explain.path", "explain.raw", "explain.rule", "explain.value", "problems"),
        [
            (
                f"{text(f'lineage.kind.{step.kind}', mode.lang)} {step.field}",
                step.source_path,
                _cell(step.raw),
                "; ".join(step.rules),
                _cell(step.value),
                ", ".join(problem.code for problem in step.problems),
            )
            for step in origin.steps
        ],
        prose="explain.rule",
    )


def _tell_refused(refused: RefusedTrace) -> None:
    place = f"{refused.page_id}:{refused.page_index}"
    say("explain.refused", place=place, state=text(f"quarantine.{refused.state}", mode.lang))
    for problem in refused.problems:
        where = f"{problem.severity} {problem.code} [{problem.source_path}]"
        tell(f"  {where} {sentence(problem, mode.lang)}")


def _tell_version(version: VersionTrace) -> None:
    say(
        "explain.version",
        kind=text(f"lineage.kind.{version.kind}", mode.lang),
        record=version.record_key,
        version=version.version,
        position=version.position,
        digest=version.digest[:16],
        place="–" if version.origin is None else f"{version.origin[0]}:{version.origin[1]}",
    )
    for warning in version.warnings:
        tell(f"  W {warning}")
    if version.differing:
        say("explain.differing", fields=", ".join(version.differing))
    for hold in version.holds:
        tell(f"  {hold.target_id} {hold.reason} {text(f'problem.{hold.reason}', mode.lang)}")
    for line in version.deliveries:
        seen = ", ".join(f"{one.receipt_id} {word('valid' if one.valid else 'invalid')}" for one in line.receipts)
        day = "explain.not_compared" if line.equal is None else "explain.agreed" if line.equal else "explain.disagreed"
        state = line.state_name if mode.lang == "zh" else line.state.lower()
        say(
            "explain.delivery",
            target=line.target_id,
            batch=line.batch_id,
            item=line.item,
            state=state,
            code=line.code or "–",
            receipt=seen or "–",
            day=f"{line.business_date} {word(day)}{f' {line.difference}' if line.difference else ''}",
        )
    if not version.deliveries:
        say("explain.no_delivery")


def _cell(value: Any) -> str | None:
    return ", ".join(map(str, value)) if isinstance(value, list) else None if value is None else str(value)


def _short(version: str | None) -> str:
    return "–" if version is None else version[:12]
