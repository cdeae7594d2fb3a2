"""``gw source new`` and ``schema``: writing a source file, by the tool and by hand."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

import connectors
from connectors.editor import text as editor_schema
from gateway.cli.output import Json, mode, say, show, tell, word
from gateway.errors import Rejected
from gateway.mapping import load_masters, survey
from gateway.onboarding import samples
from gateway.onboarding.dry_run import PUSHED
from gateway.onboarding.scaffold import Made, Wanted, scaffold
from gateway.onboarding.seen import Sample, SeenField, Told
from gateway.settings import Settings, load
from schemas.source import SourceFile


def new(
    source: Annotated[str, typer.Argument(help="新数据源编号，小写字母、数字、下划线 · id of the new source")] = "",
    kind: Annotated[str, typer.Option(help="种类：rest soap hotline sftp_files database inbox · kind")] = "",
    name: Annotated[str, typer.Option(help="名称 · its name")] = "",
    connection: Annotated[str, typer.Option(help="连接编号，缺省同数据源编号 · connection; by default the id")] = "",
    owner: Annotated[str, typer.Option(help="责任单位 · who answers for the data")] = "",
    region: Annotated[str, typer.Option(help="行政区划，6 或 12 位 · region code")] = "",
    given: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", exists=True, dir_okay=False, help="OpenAPI、WSDL、CSV、xlsx、JSON、XML 样例，可多次 · samples"
        ),
    ] = None,
    table: Annotated[str, typer.Option(help="database：表或视图，连上去看 · look at this table")] = "",
    schema_name: Annotated[str, typer.Option("--schema", help="database：模式 · schema")] = "",
    operation: Annotated[str, typer.Option(help="OpenAPI 路径或 SOAP 操作 · path or operation")] = "",
    as_json: Json = False,
) -> None:
    """新建数据源：按种类模板或样例生成配置，拿不准的标“待定” · scaffold a source file; what is unsure is marked."""
    settings = load()
    asked = {"source": source, "name": name, "kind": kind, "owner": owner, "region": region}
    answers = {key: _answered(key, value) for key, value in asked.items()}
    wanted = _wanted({**answers, "connection": connection or answers["source"]})
    path = _place(settings, wanted)
    masters = load_masters(settings.mappings_dir)
    read = [samples.read_sample(file, operation or None) for file in given or ()]
    if operation:
        read.append(Sample([], {}, {"operation": operation}))
    if table:
        read.append(_surveyed(settings, wanted, table, schema_name or None))
    if wanted.kind == PUSHED and not read:
        read.append(samples.national())
    made = scaffold(wanted, samples.joined(read), masters)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(made.text)
    _tell(wanted, path.relative_to(settings.home), made, has_items=bool(masters.items_of(wanted.region)))


def schema() -> None:
    """编辑器用的 JSON Schema，含各种类选项 · the JSON Schema of a source file, for editors."""
    sys.stdout.write(editor_schema())


def _answered(key: str, value: str) -> str:
    """``value``, asked for at a terminal; ``Rejected('source.answer_missing')`` without one."""
    if not value and not mode.json and sys.stdin.isatty():
        value = str(typer.prompt(word(f"new.{key}"), err=True))
    if not value.strip():
        raise Rejected("source.answer_missing", option=key)
    return value.strip()


def _wanted(answers: dict[str, str]) -> Wanted:
    kinds = connectors.kinds()
    if answers["kind"] not in kinds:
        raise Rejected("source.answer_wrong", option="kind", expected=" ".join(kinds))
    whole = {**answers, "region": answers["region"].ljust(12, "0")}
    document = {**whole, "connector": whole["kind"], "mapping": {}}
    del document["kind"]
    try:
        SourceFile.model_validate(document)
    except ValidationError as wrong:
        option = str(wrong.errors()[0]["loc"][0])
        raise Rejected("source.answer_wrong", option=option, expected=_form(option)) from wrong
    return Wanted(**whole)


def _form(key: str) -> str:
    described = SourceFile.model_json_schema()["properties"][key]
    return str(described.get("pattern") or described.get("description") or key)


def _place(settings: Settings, wanted: Wanted) -> Path:
    """Where the file goes. ``Rejected('source.exists')`` when its id or its place is taken."""
    path = settings.mappings_dir / wanted.region[:6] / f"{wanted.source}.yaml"
    sources, broken = survey(settings.mappings_dir)
    if path.exists() or wanted.source in {*(one.source for one in sources), *(one.source for one in broken)}:
        raise Rejected("source.exists", source=wanted.source)
    return path


def _surveyed(settings: Settings, wanted: Wanted, table: str, schema_name: str | None) -> Sample:
    from connectors.database.survey import survey_table  # SQLAlchemy's dialects load only where they are needed

    found = survey_table(settings.connection(wanted.connection), settings.allowed_hosts, table, schema_name)
    seen = {field.path: field for field in samples.of_records(found.rows)}
    fields = [
        SeenField(name, found.comments.get(name, name), seen[name].values if name in seen else ())
        for name in found.columns
    ]
    known: dict[str, Told | None] = {"table": table, "columns": found.columns, "key": found.key or None}
    known |= {"schema": schema_name, "time_column": _changed(found.times)}
    return Sample(fields, {}, {name: value for name, value in known.items() if value})


def _changed(times: list[str]) -> str | None:
    """The column that says when a row changed, by its name."""
    marks = ("update", "modif", "change", "gxsj", "xgsj")
    return next((name for mark in marks for name in times if mark in name.lower()), None)


def _tell(wanted: Wanted, path: Path, made: Made, *, has_items: bool) -> None:
    counts = {"sure": made.sure, "likely": made.likely, "undecided": made.undecided}
    show({"source": wanted.source, "file": path, **counts, "items": has_items})
    say("new.made", file=path, **counts)
    if not has_items:
        say("new.no_items", folder=path.parent)
    tell(word("new.next", source=wanted.source, variable=f"GW_CONN_{wanted.connection.upper()}"))
