"""``gw source``: the configured sources."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer

import connectors
from gateway.cli.files import source_files
from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Exit, Json, leave, mode, say, show, tell, title, word
from gateway.cli.reports import source_report
from gateway.cli.tables import short, table
from gateway.connector import Finding, Page
from gateway.domain import mask
from gateway.errors import GatewayError, Misconfigured
from gateway.mapping import BrokenSource, Mapping, compile_mapping, load_masters, survey
from gateway.mapping.outcome import Outcome, Problem
from gateway.mapping.sentence import sentence
from gateway.messages import explain
from gateway.reports.status import gateway_status
from gateway.settings import Settings, load
from gateway.stages import pull
from gateway.stages.context import Context, system_clock
from schemas.source import SourceFile

app = typer.Typer(no_args_is_help=True, add_completion=False)
app.command("report")(source_report)
app.command("files")(source_files)
SourceId = Annotated[str, typer.Argument(help="数据源 · source")]
SAMPLE = 10


@app.command("list")
def list_sources(as_json: Json = False) -> None:
    """数据源及其状态 · sources and how they stand."""
    context = gateway()
    lines = gateway_status(context.store, context.sources, context.clock()).sources
    rows = [(context.sources[line.source_id], line) for line in lines]
    known = [{**source.model_dump(exclude={"mapping", "options"}), "state": line.state} for source, line in rows]
    show([*known, *({"source": one.source, "file": one.file, "state": "broken"} for one in context.broken_sources)])
    table(
        "",
        ("source", "name", "kind", "schedule", "state", "last_success"),
        [
            (
                s.source,
                short(s.name),
                s.connector,
                s.schedule or "–",
                word(f"state.{line.state}") if s.enabled else word("disabled"),
                line.last_success_at,
            )
            for s, line in rows
        ],
    )
    tell_broken(context)
    leave(Exit.PARTLY if context.broken_sources else Exit.DONE)


@app.command()
def check(
    source: Annotated[str | None, typer.Argument(help="缺省检查全部 · all by default")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="只查文件，不连接 · the files only")] = False,
    as_json: Json = False,
) -> None:
    """检查配置与映射，并试连 · the YAML with line numbers, the mapping, then a connection that changes nothing."""
    settings = load()
    sources, broken = survey(settings.mappings_dir)
    if source is not None:
        sources, broken = _chosen(sources, broken, source)
    findings = {one.source or one.file: [_wrong("file", one.error)] for one in broken}
    findings |= {file.source: _findings(settings, file, offline) for file in sources}
    show(findings)
    table(
        "",
        ("source", "step", "result", "detail"),
        [
            (name, line.step, word("ok") if line.ok else word("not_ok"), line.detail)
            for name, lines in findings.items()
            for line in lines
        ],
        prose="detail",
    )
    wrong = sum(not all(line.ok for line in lines) for lines in findings.values())
    leave(Exit.DONE if not wrong else Exit.PARTLY if wrong < len(findings) else Exit.MISCONFIGURED)


@app.command("try")
def try_source(source: SourceId, as_json: Json = False) -> None:
    """取第一页试映射十条，不入库 · map ten records of the first page, masked; nothing is stored."""
    settings = load()
    file = _chosen(*survey(settings.mappings_dir), source, strict=True)[0][0]
    mapping = compile_mapping(file, load_masters(settings.mappings_dir))
    page = connectors.first_page(file, settings.connection(file.connection), settings.allowed_hosts)
    if page is None:
        say("try_empty", source=source)
        show({"source": source, "origin": None, "read": 0, "pass": 0, "sample": []})
        return
    items = mapping.decode(page.body, page.media_type)
    outcomes = [mapping.apply(item, system_clock()) for item in items]
    _tell_trial(file, mapping, page, outcomes)


@app.command()
def resume(source: SourceId, reason: Reason = "", as_json: Json = False) -> None:
    """原因排除后恢复采集 · once the cause is gone: pulling goes on from the last cursor."""
    why = required(reason)
    resumed = pull.resume_source(gateway(), source, actor(), why)
    show({"source": source, "resumed": resumed})
    say("source_resumed" if resumed else "source_not_suspended", source=source)


def tell_broken(context: Context) -> None:
    """Files that can't be used, each with its line, key and what was expected."""
    for one in context.broken_sources:
        say("source_broken", file=one.file, error=one.error.code, message=explain(one.error, mode.lang))


def _chosen(
    sources: list[SourceFile], broken: list[BrokenSource], wanted: str, *, strict: bool = False
) -> tuple[list[SourceFile], list[BrokenSource]]:
    """Only ``wanted``; a source that nobody knows is refused, and with ``strict`` a broken one too."""
    files = [file for file in sources if file.source == wanted]
    faults = [one for one in broken if one.source == wanted]
    if not files and not faults:
        raise Misconfigured("source.unknown", source=wanted, known=", ".join(file.source for file in sources))
    if strict and not files:
        raise faults[0].error
    return files, faults


def _findings(settings: Settings, file: SourceFile, offline: bool) -> list[Finding]:
    try:
        connectors.validate(file)
        compile_mapping(file, load_masters(settings.mappings_dir))
    except GatewayError as wrong:
        return [_wrong("mapping", wrong)]
    mapped = Finding(ok=True, step="mapping", detail=file.name)
    if offline:
        return [mapped]
    try:
        connection = settings.connection(file.connection)
    except GatewayError as missing:
        return [mapped, _wrong("connection", missing)]
    return [mapped, *connectors.check(file, connection, settings.allowed_hosts, _sentence)]


def _wrong(step: str, error: GatewayError) -> Finding:
    return Finding(ok=False, step=step, detail=_sentence(error))


def _sentence(error: GatewayError) -> str:
    return f"{error.code} {explain(error, mode.lang)}"


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
    say(
        "try_page",
        origin=page.origin,
        bytes=len(page.body),
        read=len(outcomes),
        good=good,
        version=mapping.version[:12],
    )
    for index, (records, told) in enumerate(sample):
        tell(f"[{index}]")
        for record in records:
            tell("   " + "  ".join(f"{name}={value}" for name, value in record.items()))
        for line in told:
            tell(f"   ! {line}")
    if problems:
        found = [(number, code, title(code)) for code, number in problems.most_common()]
        table(word("problems"), ("records", "code", "reason"), found)


def _masked(personal: dict[str, str]) -> dict[str, str]:
    return {name: mask.field(name, value) for name, value in personal.items()}


def _told(problem: Problem) -> str:
    return f"{problem.code} {sentence(problem, mode.lang)}"
