"""``gw source check`` and ``coverage``: what the files say, before anything is pulled."""

from __future__ import annotations

from typing import Annotated

import typer

import connectors
from gateway.cli.output import Exit, Json, leave, mode, say, show, word
from gateway.cli.sources.listing import SourceId, chosen
from gateway.cli.tables import table
from gateway.connector import Finding
from gateway.errors import GatewayError, Misconfigured
from gateway.mapping import compile_mapping, load_masters, survey
from gateway.messages import explain
from gateway.onboarding import coverage as covering
from gateway.onboarding.undecided import undecided
from gateway.settings import Settings, load
from schemas.source import SourceFile


def check(
    source: Annotated[str | None, typer.Argument(help="缺省检查全部 · all by default")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="只查文件，不连接 · the files only")] = False,
    as_json: Json = False,
) -> None:
    """检查配置与映射，并试连 · the YAML with line numbers, the mapping, then a connection that changes nothing."""
    settings = load()
    sources, broken = survey(settings.mappings_dir)
    if source is not None:
        sources, broken = chosen(sources, broken, source)
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


def coverage(
    source: SourceId,
    whole: Annotated[bool, typer.Option("--all", help="可选项也列出 · optional attributes as well")] = False,
    as_json: Json = False,
) -> None:
    """必填项与代码的覆盖情况，不连接 · which required attributes and codes the mapping supplies; offline."""
    settings = load()
    file = chosen(*survey(settings.mappings_dir), source, strict=True)[0][0]
    lines = covering.coverage(file, load_masters(settings.mappings_dir))
    lacking = [line for line in lines if line.lacking]
    required = [line for line in lines if line.need == "R"]
    show(
        {
            "source": source,
            "required": len(required),
            "covered": sum(not line.lacking for line in required),
            "lacking": [f"{line.kind}.{line.name}" for line in lacking],
            "attributes": lines,
        }
    )
    table(
        "",
        ("kind_of_record", "field", "title", "need", "state", "from", "unsaid"),
        [
            (
                line.kind,
                line.name,
                line.title,
                line.need,
                word(f"covered.{line.state}"),
                line.origin,
                " ".join(line.unsaid) or None,
            )
            for line in lines
            if whole or line.need != "O" or line.state != "absent"
        ],
    )
    say("coverage", covered=sum(not line.lacking for line in required), required=len(required), lacking=len(lacking))
    leave(Exit.MISCONFIGURED if lacking else Exit.DONE)


def _findings(settings: Settings, file: SourceFile, offline: bool) -> list[Finding]:
    marks = [
        _wrong("undecided", Misconfigured("source.undecided", file=one.file, line=one.line, key=one.key))
        for one in undecided(file)
    ]
    if marks:
        return marks
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
