"""Each rule and code taken out of the data: attributes, code lists, indicators, regions, shared tables."""

from __future__ import annotations

import copy
import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import yaml

from tests.rules.mutants import ROOT, DataChange, Mutant

Json = Any


def data_mutants() -> Iterator[Mutant]:
    for mutant in _all():
        yield mutant._replace(late=True)


def _all() -> Iterator[Mutant]:
    yield from _attributes("schemas/data/attributes.csv")
    yield from _lists("schemas/data/code_lists.json")
    yield from _indicators("schemas/data/indicators.json")
    yield from _regions("schemas/data/region.csv")
    for path in sorted((ROOT / "mappings" / "tables").glob("*.yaml")):
        yield from _table(f"mappings/tables/{path.name}", path.stem)


def _text(place: str) -> str:
    return (ROOT / place).read_text(encoding="utf-8")


def _attributes(place: str) -> Iterator[Mutant]:
    rows = list(csv.DictReader(io.StringIO(_text(place))))
    for number, row in enumerate(rows):
        name = f"{row['kind']}.{row['name']}"
        for what, changed in _changed_attribute(row):
            others = [*rows[:number], *([changed] if changed else []), *rows[number + 1 :]]
            yield Mutant(place, f"{place}: {name}: {what}", (f"{name} ",), DataChange(place, partial(_written, others)))


def _written(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _changed_attribute(row: dict[str, str]) -> Iterator[tuple[str, dict[str, str] | None]]:
    yield "taken out", None
    yield "need", {**row, "need": "O" if row["need"] == "R" else "R"}
    yield "wire", {**row, "wire": row["wire"] + "X" if row["wire"] else "sent"}
    yield "personal", {**row, "personal": "" if row["personal"] else "1"}
    if row["list"]:
        yield "list", {**row, "list": ""}
        return
    matched = re.fullmatch(r"(list )?([a-z]+)(\.\.)?(\d+)?", row["form"])
    assert matched is not None
    repeated, form, upto, length = matched.groups()
    if form == "dt":
        yield "form", {**row, "form": "an..19"}
        return
    if repeated:
        yield "form", {**row, "form": "an..50"}
        return
    yield "longer", {**row, "form": f"{form}..{int(length) + 1}"}
    yield "shorter", {**row, "form": f"{form}..{int(length) - 1}"}
    if not upto and length != "1":
        yield "not exact", {**row, "form": f"{form}..{length}"}
    if form == "n":
        yield "letters", {**row, "form": row["form"].replace("n", "an")}


def _dumped(document: Json) -> str:
    return json.dumps(document, ensure_ascii=False)


def _with(document: Json, change: Callable[[Json], object]) -> Callable[[], str]:
    return partial(_made, document, change)


def _made(document: Json, change: Callable[[Json], object]) -> str:
    changed = copy.deepcopy(document)
    change(changed)
    return _dumped(changed)


def _lists(place: str) -> Iterator[Mutant]:
    document = json.loads(_text(place))
    for name, known in document["lists"].items():
        hints = (f"list {name}",)

        def mutant(
            what: str, change: Callable[[Json], object], name: str = name, hints: tuple[str, ...] = hints
        ) -> Mutant:
            text = _with(document, lambda whole: change(whole["lists"][name]))
            return Mutant(place, f"{place}: {name}: {what}", hints, DataChange(place, text))

        yield mutant("version", lambda one: one.update(version="0"))
        yield mutant("wire name", lambda one: one.update(wire_name="x"))
        yield mutant("a code more", lambda one: one["items"].append({"code": "Q", "name": "Q"}))
        if "pattern" in known:
            yield mutant("pattern", lambda one: one.pop("pattern"))
        for index, item in enumerate(known["items"]):
            code = item["code"]
            yield mutant(f"{code} taken out", lambda one, at=index: one["items"].pop(at))
            yield mutant(f"{code} label", lambda one, at=index: one["items"][at].update(name="x"))
            for mark in [key for key, value in item.items() if isinstance(value, bool)]:
                flipped = {mark: not item[mark]}
                yield mutant(f"{code} {mark}", lambda one, at=index, flipped=flipped: one["items"][at].update(flipped))
        yield Mutant(
            place,
            f"{place}: {name} taken out",
            hints,
            DataChange(place, _with(document, lambda whole, n=name: whole["lists"].pop(n))),
        )
    for index, trap in enumerate(document["source_traps"]):
        for key in trap["mapping"]:
            text = _with(document, lambda whole, at=index, key=key: whole["source_traps"][at]["mapping"].pop(key))
            yield Mutant(place, f"{place}: trap {trap['id']}: {key} taken out", (trap["id"],), DataChange(place, text))


def _indicators(place: str) -> Iterator[Mutant]:
    document = json.loads(_text(place))
    for index, row in enumerate(document):
        code = row["code"]
        yield Mutant(
            place,
            f"{place}: {code} taken out",
            (f"indicator {code}",),
            DataChange(place, _with(document, lambda whole, at=index: whole.pop(at))),
        )
        changes: dict[str, Any] = {
            "name": "x",
            "level": row["level"] % 5 + 1,
            "version": 3 - row["version"],
            "enabled": not row["enabled"],
            "shown_first": not row["shown_first"],
        }
        for key, value in changes.items():
            text = _with(document, lambda whole, at=index, key=key, value=value: whole[at].update({key: value}))
            yield Mutant(place, f"{place}: {code} {key}", (f"indicator {code}",), DataChange(place, text))


def _regions(place: str) -> Iterator[Mutant]:
    """The regions that records.md names: those entered by hand, and the test cases."""
    text = _text(place)
    named = ("441900", "460400", "429004", "469001", "659001", "370812", "442000", "620200", "419001")
    for line in text.splitlines():
        cells = line.split(",")
        code = cells[0][:6]
        if not line.endswith(",hand") and not (cells[0].isdigit() and code in named):
            continue
        yield Mutant(
            place, f"{place}: {code} taken out", (code,), DataChange(place, partial(text.replace, line + "\n", ""))
        )
        header = text.splitlines()[1].split(",")
        for column in ("valid_from", "valid_to", "replaced_by", "parent", "level"):
            at = header.index(column)
            if cells[at]:
                changed = ",".join([*cells[:at], "9" if column == "level" else "", *cells[at + 1 :]])
                yield Mutant(
                    place, f"{place}: {code} {column}", (code,), DataChange(place, partial(text.replace, line, changed))
                )


def _table(place: str, name: str) -> Iterator[Mutant]:
    document = yaml.safe_load(_text(place))

    def mutant(what: str, change: Callable[[Json], object]) -> Mutant:
        return Mutant(place, f"{place}: {what}", (name, "table "), DataChange(place, _with(document, change)))

    yield mutant("decided", lambda table: table.update(decided=not document.get("decided", True)))
    if document["list"] == "applicant_type":
        yield mutant("coarse", lambda table: table.update(coarse=not document.get("coarse", False)))
    for raw, code in document["map"].items():
        yield mutant(f"{raw} taken out", lambda table, raw=raw: table["map"].pop(raw))
        other = next((one for one in document["map"].values() if one not in (code, None)), None)
        if other == code:
            continue
        yield mutant(f"{raw} otherwise", lambda table, raw=raw, other=other: table["map"].update({raw: other}))
