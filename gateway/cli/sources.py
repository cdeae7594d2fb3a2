"""``gw source``: the configured sources."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

import connectors
from gateway.bootstrap import open_context
from gateway.cli.operator import Reason, actor
from gateway.cli.output import Exit, Json, leave, mode, out, say, show, table, word
from gateway.cli.reports import source_report
from gateway.connector import Finding, Page
from gateway.domain import mask
from gateway.errors import GatewayError, Misconfigured
from gateway.mapping import Mapping, compile_mapping, load_masters, load_sources
from gateway.mapping.outcome import Outcome, Problem
from gateway.mapping.sentence import sentence
from gateway.messages import explain
from gateway.reports.status import gateway_status
from gateway.settings import Settings, load
from gateway.stages import pull
from gateway.stages.context import system_clock
from schemas.source import SourceFile

app = typer.Typer(no_args_is_help=True)
app.command("report")(source_report)
SourceId = Annotated[str, typer.Argument(help="数据源 · source")]
SAMPLE = 10


@app.command("list")
def list_sources(as_json: Json = False) -> None:
    """数据源及其状态 · sources and how they stand."""
    context = open_context()
    lines = gateway_status(context.store, context.sources, context.clock()).sources
    rows = [(context.sources[line.source_id], line) for line in lines]
    show([{**source.model_dump(exclude={"mapping", "options"}), "state": line.state} for source, line in rows])
    table(
        word("sources", day=""),
        [word(name) for name in ("source", "name", "kind", "owner", "schedule", "state", "last_success")],
        [
            (s.source, s.name, s.connector, s.owner, s.schedule, word(f"state.{line.state}"), line.last_success_at)
            for s, line in rows
        ],
    )


@app.command()
def check(
    source: Annotated[str | None, typer.Argument(help="缺省检查全部 · all by default")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="只查文件，不连接 · the files only")] = False,
    as_json: Json = False,
) -> None:
    """检查配置与映射，并试连 · the YAML with line numbers, the mapping, then a connection that changes nothing."""
    settings = load()
    found = _files(settings)
    chosen = [_named(found, source)] if source else list(found.values())
    findings = {file.source: _findings(settings, file, offline) for file in chosen}
    show(findings)
    table(
        word("check"),
        [word(name) for name in ("source", "step", "result", "detail")],
        [
            (name, line.step, word("ok") if line.ok else word("not_ok"), line.detail)
            for name, lines in findings.items()
            for line in lines
        ],
    )
    wrong = sum(not all(line.ok for line in lines) for lines in findings.values())
    leave(Exit.DONE if not wrong else Exit.PARTLY if wrong < len(findings) else Exit.MISCONFIGURED)


@app.command("try")
def try_source(source: SourceId, as_json: Json = False) -> None:
    """取第一页试映射十条，不入库 · map ten records of the first page, masked; nothing is stored."""
    settings = load()
    file = _named(_files(settings), source)
    mapping = compile_mapping(file, load_masters(settings.mappings_dir))
    page = connectors.first_page(file, settings.connection(file.connection), settings.allowed_hosts)
    if page is None:
        say("try_empty", source=source)
        show({"source": source, "page": None, "records": []})
        return
    items = mapping.decode(page.body, page.media_type)
    outcomes = [mapping.apply(item, system_clock()) for item in items]
    _tell_trial(file, mapping, page, outcomes)


@app.command()
def resume(source: SourceId, reason: Reason, as_json: Json = False) -> None:
    """原因排除后恢复采集 · once the cause is gone: pulling goes on from the last cursor."""
    resumed = pull.resume_source(open_context(), source, actor(), reason)
    show({"source": source, "resumed": resumed})
    say("source_resumed" if resumed else "source_not_suspended", source=source)


def _files(settings: Settings) -> dict[str, SourceFile]:
    return {file.source: file for file in load_sources(settings.mappings_dir)}


def _named(found: dict[str, SourceFile], source: str) -> SourceFile:
    if source not in found:
        raise Misconfigured("source.unknown", source=source, known=", ".join(sorted(found)))
    return found[source]


def _findings(settings: Settings, file: SourceFile, offline: bool) -> list[Finding]:
    try:
        connectors.validate(file)
        compile_mapping(file, load_masters(settings.mappings_dir))
        mapped = Finding(ok=True, step="mapping", detail=file.name)
        if offline:
            return [mapped]
        return [mapped, *connectors.check(file, settings.connection(file.connection), settings.allowed_hosts)]
    except GatewayError as wrong:
        return [Finding(ok=False, step="mapping", detail=f"{wrong.code} {explain(wrong, mode.lang)}")]


def _tell_trial(file: SourceFile, mapping: Mapping, page: Page, outcomes: list[Outcome]) -> None:
    problems = Counter(problem.code for outcome in outcomes for problem in outcome.problems)
    good = sum(bool(outcome.records) for outcome in outcomes)
    sample: list[tuple[list[dict[str, Any]], list[str]]] = [
        (
            [
                {"kind": record.kind, "key": record.key, **record.content, **_masked(record.personal)}
                for record in outcome.records
            ],
            [_told(problem) for problem in outcome.problems],
        )
        for outcome in outcomes[:SAMPLE]
    ]
    show({"source": file.source, "origin": page.origin, "read": len(outcomes), "pass": good, "sample": sample})
    if mode.json:
        return
    say(
        "try_page",
        origin=page.origin,
        bytes=len(page.body),
        read=len(outcomes),
        good=good,
        version=mapping.version[:12],
    )
    for index, (records, told) in enumerate(sample):
        out.print(f"[{index}]", markup=False)
        for record in records:
            out.print("   " + "  ".join(f"{name}={value}" for name, value in record.items()), markup=False)
        for line in told:
            out.print(f"   ! {line}", markup=False)
    table(word("problems"), [word("code"), word("records")], problems.most_common())


def _masked(personal: dict[str, str]) -> dict[str, str]:
    return {name: mask.field(name, value) for name, value in personal.items()}


def _told(problem: Problem) -> str:
    return f"{problem.code} {sentence(problem, mode.lang)}"
