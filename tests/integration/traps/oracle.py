"""What the gateway must hold once the trap town has been normalised, from the truth alone; and what it does hold."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import text

from gateway.bootstrap import initialise, open_context
from gateway.connector import Page
from gateway.domain.wire import attributes
from gateway.settings import Settings
from gateway.stages.context import Context
from gateway.stages.normalise import NormaliseReport, normalise
from gateway.stages.pull import pull
from sandbox.generator.traps.stream import Sent, page
from tests.integration.store.portal_data import ROOT, Clock, Served, serve

TRAPS = ROOT / "sandbox" / "generator" / "traps"
PAGE_RECORDS = 500
Row = dict[str, Any]


def trap_context(url: str, folder: Path) -> Context:
    """A deployment whose sources are the trap town's YAML files, and nothing else of it."""
    mappings = folder / "home" / "mappings"
    mappings.mkdir(parents=True)
    (mappings / "511602").symlink_to(TRAPS / "511602")
    (mappings / "tables").symlink_to(ROOT / "mappings" / "tables")
    (folder / "home" / "targets").symlink_to(ROOT / "targets")
    settings = Settings(home=folder / "home", var=folder, database_url=url, keys_dir=folder / "keys")
    initialise(settings)
    return open_context(settings, Clock())


def land(context: Context, source: str, sent: list[Sent]) -> None:
    """Every record of ``source``, in pages."""
    pages = []
    for number, start in enumerate(range(0, len(sent), PAGE_RECORDS)):
        part = sent[start : start + PAGE_RECORDS]
        body, media_type = page(source, part)
        pages.append(Page(body, media_type, f"page={number}", f'{{"n":{number}}}', len(part)))
    serve(context, Served(pages))
    pull(context, source)


def settle(context: Context, town: dict[str, list[Sent]]) -> NormaliseReport:
    """Land and normalise all of it, the evaluations that come alone before their cases."""
    for source in sorted(town, reverse=True):
        land(context, source, town[source])
        report = normalise(context, source)
    return report


def expected(town: dict[str, list[Sent]]) -> dict[str, Any]:
    """By the truth: every version of every record, every refusal with its problems, every repetition."""
    held: dict[tuple[str, str], list[Row]] = defaultdict(list)
    refused: dict[tuple[str, int], tuple[str, tuple[tuple[str, str], ...]]] = {}
    repeated: set[tuple[str, int]] = set()
    warned: dict[tuple[str, int], list[str]] = {}
    for source, sent in town.items():
        wrong: list[dict[str, Any]] = []  # sent so already: the same again, if by chance, is a repetition
        for index, (raw, truth) in enumerate(sent):
            if truth.state == "duplicate" or (truth.state == "quarantined" and raw in wrong):
                repeated.add((source, index))
            elif truth.state in {"quarantined", "held"}:
                state = "held" if truth.state == "held" else "open"
                refused[source, index] = (state, tuple(sorted(truth.errors)))
                wrong.append(raw)
            else:
                for kind, key, values in _records(source, truth):
                    if not held[kind, key] or held[kind, key][-1] != values:
                        held[kind, key].append(values)
                if truth.warnings:
                    warned[source, index] = sorted(truth.warnings)
    return {"held": dict(held), "refused": refused, "repeated": repeated, "warned": warned}


def _records(source: str, truth: Any) -> Iterable[tuple[str, str, Row]]:
    if source != "trap_ratings":
        yield "service", truth.key, truth.service
    if truth.evaluation is not None and source != "trap_cases":
        yield "evaluation", f"{truth.key}#{truth.evaluation['assess_number']}", truth.evaluation


def found(context: Context) -> dict[str, Any]:
    """The same, out of the database; `quarantine_problem` holds what stops a record, no warnings."""
    held: dict[tuple[str, str], list[Row]] = defaultdict(list)
    warned: dict[tuple[str, int], list[str]] = {}
    with context.store.read() as transaction:

        def rows(query: str) -> list[Any]:
            return list(transaction.execute(text(query)))

        place = {
            row.page_id: (row.source_id, int(row.origin.removeprefix("page=")))
            for row in rows("SELECT * FROM raw_page")
        }

        def at(row: Any) -> tuple[str, int]:
            source, number = place[row.page_id]
            return source, number * PAGE_RECORDS + row.page_index

        for row in rows("SELECT * FROM ledger_record ORDER BY position"):
            personal = None
            if row.personal is not None:
                personal = context.vault.open("personal", f"{row.kind}:{row.record_key}:{row.version}", row.personal)
            internal = {"origin": row.origin, "service_stage": row.service_stage}
            held[row.kind, row.record_key].append(attributes(row.kind, row.content, personal, **internal))
            assert row.version == len(held[row.kind, row.record_key])
            if row.warnings:
                warned[at(row)] = sorted(json.loads(row.warnings))
        problems: dict[tuple[str, int], set[tuple[str, str]]] = defaultdict(set)
        for row in rows("SELECT * FROM quarantine_problem"):
            problems[at(row)].add((row.code, row.field))
        refused = {
            at(row): (row.state, tuple(sorted(problems[at(row)])))
            for row in rows("SELECT * FROM quarantine WHERE state IN ('open', 'held')")
        }
        repeated = {at(row) for row in rows("SELECT * FROM duplicate")}
    return {"held": dict(held), "refused": refused, "repeated": repeated, "warned": warned}


def differences(wanted: dict[str, Any], got: dict[str, Any]) -> list[str]:
    """Every place where the two differ, a few lines each."""
    told = []
    for part in ("refused", "warned", "held"):
        for key in sorted({*wanted[part], *got[part]}, key=str):
            one, other = wanted[part].get(key), got[part].get(key)
            if one != other:
                told.append(f"{part} {key}: wanted {_brief(one, other)}, got {_brief(other, one)}")
    if wanted["repeated"] != got["repeated"]:
        told.append(f"repeated: {sorted(wanted['repeated'] ^ got['repeated'])[:5]}")
    return told


def _brief(one: Any, other: Any) -> Any:
    """Of records, only the attributes that differ."""
    if (
        isinstance(one, list)
        and isinstance(other, list)
        and len(one) == len(other)
        and one
        and isinstance(one[0], dict)
    ):
        return [
            {name: value for name, value in a.items() if b.get(name) != value} for a, b in zip(one, other, strict=True)
        ]
    return one
