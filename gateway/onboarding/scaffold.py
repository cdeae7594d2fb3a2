"""A new source file (脚手架): the kind's template, and every attribute with a guess or with a mark to be decided."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from string import Template
from typing import NamedTuple

from connectors import catalogue
from gateway.domain import mask
from gateway.errors import Rejected
from gateway.mapping import Masters
from gateway.onboarding.guess import Guess, code_map, guesses, time_form
from gateway.onboarding.seen import Sample, SeenField, Told
from gateway.onboarding.undecided import UNDECIDED
from schemas.attributes import ATTRIBUTES, PERSONAL, Attribute, Kind

PLAIN = re.compile(r"[A-Za-z_\u4e00-\u9fff/][\w\u4e00-\u9fff./-]*")
WORDS = {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
DEFAULTS: dict[tuple[Kind, str], str] = {  # where the source has no such field
    ("service", "service_number"): "{value: '1'} # 一次办件一次服务；有服务次数的请改为 path",
    ("service", "is_service"): "{value: '1'}",
    ("evaluation", "assess_number"): "{value: '1'} # 一次服务一次评价；有追评的请改为 path",
    ("evaluation", "review_status"): "{value: '1'}",
    ("evaluation", "effective"): "{value: '1'}",
    ("evaluation", "operation"): "{value: I}",
}
UNRATED = ("未评价", "未评", "无评价", "放弃评价")
HINTS = {
    "data_source": "省级编码，如四川 '151'",
    "project_channel": "固定的写 value：线上 '1'，线下 '2'；逐条不同的写 path",
    "channel": "固定的写 value，逐条不同的写 path；代码见《映射编写指南》",
    "is_default": "系统自动生成的默认评价为 1，本人评价为 0；没有默认评价的写 value: '0'",
    "origin": "active 主动、agent_recorded 代录、default 默认、unknown 不明",
    "satisfaction": "先弄清方向：5 最好写 scale: national；1 最好写 table: sat-gbt39046",
}
OF_THE_SERVICE = {"project_no", "service_number", "user_prop", "user_page_type"} | (
    PERSONAL["evaluation"] - {"writing_evaluation"}
)  # case and person stand in the service record
DOUBTED = "待核"
MOST_CODES, LONGEST_CODE = 20, 20
PRESET = {
    "method": "GET",
    "send": "query",
    "page_param": "page",
    "size_param": "pageSize",
    "schema": "null",
    "auth": f"{{kind: {UNDECIDED}}}",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person says about the new source."""

    source: str
    name: str
    kind: str
    connection: str
    owner: str
    region: str  # 12 digits


class Made(NamedTuple):
    """The file's text, and how its attributes came about."""

    text: str
    sure: int
    likely: int
    undecided: int


def scaffold(wanted: Wanted, sample: Sample | None, masters: Masters) -> Made:
    """The text of a source file. Raises ``Rejected('source.no_template')`` for a kind without one."""
    found = guesses(sample.fields) if sample else {}
    mapping = [*_reading(sample), *_profile(found)]
    for kind in ("service", "evaluation"):
        mapping += [f"  {kind}:", *_lines(kind, found, masters, wanted.region)]
    options = _options(wanted.kind, sample)
    head = {name: scalar(value) for name, value in vars_of(wanted).items()}
    text = "\n".join(
        [
            f"# {wanted.name} → 规范记录。“{UNDECIDED}”处须由人确定，改完运行 gw source check {wanted.source}。",
            *(f"{name}: {value}" for name, value in head.items()),
            'schedule: "*/15 * * * *"',
            "gated: true # 上线须经 gw source go-live",
            "options:",
            *options,
            "mapping:",
            *mapping,
            "",
        ]
    )
    marks, doubts = (sum(mark in line for line in (*options, *mapping)) for mark in (UNDECIDED, DOUBTED))
    read = sum("path: " in line for line in mapping if UNDECIDED not in line and DOUBTED not in line)
    return Made(text, read, doubts, marks)


def vars_of(wanted: Wanted) -> dict[str, str]:
    """The head of the file, in its order."""
    return {
        "source": wanted.source,
        "name": wanted.name,
        "connector": wanted.kind,
        "connection": wanted.connection,
        "owner": wanted.owner,
        "region": wanted.region,
    }


def scalar(text: str) -> str:
    """``text`` as YAML writes it: plain where nothing can be misread."""
    plain = PLAIN.fullmatch(text) and text.lower() not in WORDS
    return text if plain else json.dumps(text, ensure_ascii=False)


def _written(value: Told) -> str:
    match value:
        case str():
            return scalar(value)
        case list():
            return "[" + ", ".join(map(scalar, value)) + "]"
        case dict():
            return "{" + ", ".join(f"{name}: {scalar(one)}" for name, one in value.items()) + "}"


def _options(kind: str, sample: Sample | None) -> list[str]:
    """The kind's template (``connectors/<kind>/template.yaml``), filled with what the sample tells."""
    template = catalogue.template(kind)
    if template is None:
        raise Rejected("source.no_template", kind=kind)
    known = {name: _written(value) for name, value in (sample.known if sample else {}).items()}
    filled = Template(template).safe_substitute(defaultdict(lambda: UNDECIDED, PRESET | known))
    return [f"  {line}" for line in filled.rstrip().split("\n")]


def _reading(sample: Sample | None) -> list[str]:
    reading = sample.reading if sample else {}
    inside = ", ".join(f"{name}: {scalar(value)}" for name, value in reading.items())
    return [f"  read: {{{inside}}}"] if inside else []


def _profile(found: dict[tuple[Kind, str], Guess]) -> list[str]:
    if ("service", "project_name") in found or not found:
        return []
    return ["  profile:", "    optional: [project_name] # 来源没有办件名称；有的话请删去本行并补上映射"]


def _lines(kind: Kind, found: dict[tuple[Kind, str], Guess], masters: Masters, region: str) -> list[str]:
    lines = []
    for name, attribute in ATTRIBUTES[kind].items():
        line = _line(kind, attribute, found, has_items=bool(masters.items_of(region)))
        if line is not None:
            lines.append(f"    {name}: {line}")
    return lines


def _line(kind: Kind, attribute: Attribute, found: dict[tuple[Kind, str], Guess], *, has_items: bool) -> str | None:
    """One attribute's rule; none for one that is neither needed nor found."""
    name = attribute.name
    guess = found.get((kind, name))
    if name == "org_code" and guess is None:
        return "{same: dept_code}"
    if name in ("task_name", "task_type") and has_items:
        return f"{{item: {name}}}"
    if name == "service_stage" and guess is None and ("service", "service_name") in found:
        return f"{{path: {scalar(found['service', 'service_name'].field.path)}, table: stage-names}}"
    if kind == "evaluation" and name in OF_THE_SERVICE:
        return None
    if guess is not None:
        return _rule(attribute, guess)
    if name == "origin" and (default := found.get(("evaluation", "is_default"))) is not None:
        return f"{{path: {scalar(default.field.path)}, map: {{'0': active, '1': default}}}}"
    if (kind, name) in DEFAULTS:
        return DEFAULTS[kind, name]
    if attribute.need == "R" and not (name == "project_name" and found):
        origin = "value" if name in HINTS and name != "satisfaction" else "path"
        return f"{{{origin}: {UNDECIDED}}} # {attribute.title}。{HINTS.get(name, '')}"
    if name == "cert_key_gov" and ("service", "cert_key") not in found:
        return f"{{path: {UNDECIDED}}} # {attribute.title}，或改用 cert_key。"
    return None


def _rule(attribute: Attribute, guess: Guess) -> str:
    sayable = guess.surety == "sure" and _are_codes(guess.field)
    shapes_only = attribute.form == "dt" or attribute.name == "indicators"  # no value of these is written
    field = guess.field if sayable or shapes_only else replace(guess.field, values=())
    parts = [f"path: {scalar(field.path)}", *_conversion(attribute, field)]
    said = f"{guess.field.label} → " if guess.field.label not in ("", guess.field.path.rpartition(".")[2]) else ""
    doubt = "" if guess.surety == "sure" else f" # {DOUBTED}：{said}{attribute.title}，按名称推测"
    return "{" + ", ".join(parts) + "}" + doubt


def _conversion(attribute: Attribute, field: SeenField) -> list[str]:
    match attribute.name:
        case "area_code":
            return ["as: region"]
        case "dept_code":
            return ["as: organisation"]
        case "task_code":
            return ["as: item"]
        case "indicators":
            return _joined(field)
    if attribute.form == "dt":
        return [f"times: [{time_form(field.values) or 'yyyy-MM-dd HH:mm:ss'}]"]
    if attribute.code_list is None:
        return []
    if not field.values or (attribute.name == "satisfaction" and _is_scale(field)):
        return [f"table: {UNDECIDED}"] if attribute.name == "satisfaction" else []
    unrated = [value for value in field.values if value in UNRATED] if attribute.name == "satisfaction" else []
    table = code_map(attribute, [value for value in field.values if value not in unrated])
    if table is None:
        return []
    pairs = ", ".join(f"{_quoted(value)}: {_quoted(code) if code else UNDECIDED}" for value, code in table.items())
    return [f"map: {{{pairs}}}", *([f"unrated: [{', '.join(unrated)}]"] if unrated else [])]


def _is_scale(field: SeenField) -> bool:
    """Numbers say how good only to who knows which end is the best."""
    return not field.values or any(value.isdigit() for value in field.values)


def _are_codes(field: SeenField) -> bool:
    """Are its values a small vocabulary, such as may stand in a file? Those of a person never are."""
    short = all(len(value) <= LONGEST_CODE and not mask.holds_personal_data(value) for value in field.values)
    return short and len(field.values) <= MOST_CODES


def _joined(field: SeenField) -> list[str]:
    for separator in (";", "；", "|", ",", "，", "、"):
        if any(separator in value for value in field.values):
            parts = [part for value in field.values for part in value.split(separator)]
            by = [] if all(part.strip().isdigit() for part in parts if part.strip()) else ["by: name"]
            return [f"separator: {json.dumps(separator, ensure_ascii=False)}", *by]
    return []


def _quoted(text: str) -> str:
    return scalar(text) if not text.isdigit() else f"'{text}'"
