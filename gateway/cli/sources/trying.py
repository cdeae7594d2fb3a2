"""``gw source try``: the first page, the masked calls behind it, ten mapped records and their problems."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

import connectors
from gateway.cli.output import Json, mode, say, show, tell, title, word
from gateway.cli.sources.listing import SourceId, chosen
from gateway.cli.tables import table
from gateway.connector import Page
from gateway.domain import mask
from gateway.errors import GatewayError
from gateway.mapping import Mapping, compile_mapping, load_masters, survey
from gateway.mapping.outcome import Outcome, Problem
from gateway.mapping.sentence import sentence
from gateway.net.tap import Exchange, listening
from gateway.onboarding import masking
from gateway.onboarding.dry_run import saved
from gateway.onboarding.undecided import refuse_undecided
from gateway.settings import Settings, load
from gateway.stages.context import system_clock
from schemas.source import SourceFile

SAMPLE = 10
CALLS = 4  # shown


def try_source(
    source: SourceId,
    file: Annotated[
        Path | None, typer.Option("--file", exists=True, dir_okay=False, help="用保存的样例，不连接 · a saved body")
    ] = None,
    calls: Annotated[
        bool, typer.Option("--calls/--no-calls", help="显示请求与应答（已脱敏） · the masked calls")
    ] = True,
    as_json: Json = False,
) -> None:
    """取第一页试映射十条，不入库 · map ten records of the first page, masked; nothing is stored."""
    settings = load()
    described = chosen(*survey(settings.mappings_dir), source, strict=True)[0][0]
    heard: list[Exchange] = []
    with listening(heard.append):
        try:
            page = saved(file, described) if file else _first_page(settings, described)
        except GatewayError:
            if calls:
                _tell_calls(heard)
            raise
    shown = [{"request": masking.request(one), "answer": masking.answer(one)} for one in heard[:CALLS]]
    if calls:
        _tell_calls(heard)
    refuse_undecided(described)
    mapping = compile_mapping(described, load_masters(settings.mappings_dir))
    if page is None:
        say("try_empty", source=source)
        show({"source": source, "origin": None, "read": 0, "pass": 0, "calls": shown, "sample": []})
        return
    items = mapping.decode(page.body, page.media_type)
    outcomes = [mapping.apply(item, system_clock()) for item in items]
    _tell_trial(described, mapping, page, outcomes, shown)


def _first_page(settings: Settings, source: SourceFile) -> Page | None:
    return connectors.first_page(source, settings.connection(source.connection), settings.allowed_hosts)


def _tell_calls(heard: list[Exchange]) -> None:
    for one in heard[:CALLS]:
        asked, got = masking.request(one), masking.answer(one)
        tell(f"→ {asked['method']} {asked['address']}")
        _tell_part(asked, ("params", "headers", "body"))
        tell(f"← {got['status']}  {got['bytes']} B")
        _tell_part(got, ("headers", "body"))


def _tell_part(told: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if told[name]:
            tell(f"   {name}: {json.dumps(told[name], ensure_ascii=False)}")


def _tell_trial(
    file: SourceFile, mapping: Mapping, page: Page, outcomes: list[Outcome], calls: list[dict[str, Any]]
) -> None:
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
    counts = {"read": len(outcomes), "pass": good, "problems": problems}
    show({"source": file.source, "origin": page.origin, **counts, "calls": calls, "sample": sample})
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
