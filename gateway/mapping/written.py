"""YAML as an author wrote it: data, and the line of every key, so that each complaint can name its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from gateway.documents import FASTEST
from gateway.errors import Misconfigured

Lines = dict[tuple[str, ...], int]
DEEPEST = 20
TOLD = {  # pydantic's own words say less than an author needs
    "missing": "a required key",
    "string_type": "a text, in quotes",
    "dict_type": "a mapping of keys",
    "model_type": "a mapping of keys, such as {path: …}",
    "list_type": "a list, such as [a, b]",
}


def read_yaml(path: Path) -> tuple[Any, Lines]:
    """The document and the line (from 1) of each key; duplicate keys, aliases and what is too deep are refused."""
    try:
        body = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as unreadable:
        raise Misconfigured("mapping.unreadable", file=path.name) from unreadable
    try:
        _look_over(body, path.name)
        loader = FASTEST(body)
    except yaml.YAMLError as broken:
        raise _broken(path.name, broken) from broken
    try:
        node = loader.get_single_node()
        if node is None:
            raise invalid(path.name, 1, (), "a mapping")
        lines: Lines = {(): 1}
        _walk(node, (), lines, path.name)
        return loader.construct_document(node), lines
    except (yaml.YAMLError, ValueError) as broken:  # a number, date or base64 that only looks like one
        raise _broken(path.name, broken) from broken
    finally:
        loader.dispose()


def _look_over(body: str, file: str) -> None:
    """Before anything is built: aliases may unfold without end or hold themselves, and depth exhausts the stack."""
    depth = 0
    for event in yaml.parse(body, FASTEST):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise invalid(file, line, (), "no alias (*): write it out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise invalid(file, line, (), f"{DEEPEST} levels at most")


def _broken(file: str, broken: Exception) -> Misconfigured:
    mark = getattr(broken, "problem_mark", None)
    told = getattr(broken, "problem", None)
    return invalid(file, mark.line + 1 if mark else 1, (), f"YAML: {told}" if told else "YAML")


def _walk(node: yaml.Node, keys: tuple[str, ...], lines: Lines, file: str) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            deeper = (*keys, str(key.value))
            if deeper in lines:
                raise invalid(file, key.start_mark.line + 1, deeper, "each key once")
            lines[deeper] = key.start_mark.line + 1
            _walk(value, deeper, lines, file)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[*keys, str(index)] = value.start_mark.line + 1
            _walk(value, (*keys, str(index)), lines, file)


def invalid(file: str, line: int, keys: Iterable[str], expected: str, code: str = "mapping.invalid") -> Misconfigured:
    return Misconfigured(code, file=file, line=line, key=".".join(keys), expected=expected)


def suggestion(word: str, known: Iterable[str]) -> str:
    """``…, did you mean X?`` when something close is known, else the choice."""
    choice = sorted(known)
    close = difflib.get_close_matches(word, choice, n=1, cutoff=0.6)
    return f"did you mean '{close[0]}'?" if close else "one of " + ", ".join(choice)


def complaint(model: type[BaseModel], broken: ValidationError) -> tuple[tuple[str, ...], str]:
    """Keys and expectation of the first thing that pydantic did not like, with a did-you-mean for unknown keys.

    An unknown key comes before a missing one: most often it is the missing one, misspelt.
    """
    errors = broken.errors(include_url=False, include_input=False)
    error = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    keys = tuple(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return keys, suggestion(keys[-1], _known_keys(model, keys[:-1]))
    return keys, TOLD.get(error["type"], error["msg"].removeprefix("Value error, "))


def _known_keys(model: type[BaseModel], keys: tuple[str, ...]) -> list[str]:
    """The keys that ``model`` knows below ``keys``, from its JSON Schema."""
    schema: dict[str, Any] = model.model_json_schema(by_alias=True)
    definitions: dict[str, Any] = schema.get("$defs", {})
    place: dict[str, Any] = schema
    for key in keys:
        place = _resolved(place, definitions)
        place = place.get("properties", {}).get(key) or place.get("additionalProperties") or {}
    return list(_resolved(place, definitions).get("properties", {}))


def _resolved(place: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    for option in (place, *place.get("anyOf", ())):
        if "$ref" in option:
            return dict(definitions[option["$ref"].rsplit("/", 1)[-1]])
        if option is not place and option.get("type") == "object":
            return dict(option)
    return place
