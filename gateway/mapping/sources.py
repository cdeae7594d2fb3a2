"""Reading source files (数据源配置) from ``mappings/``."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from gateway.errors import Misconfigured
from gateway.mapping.written import complaint, invalid, read_yaml
from schemas.source import SourceFile

TABLES = "tables"  # a folder of shared code tables, not of a region


def load_source(path: Path) -> SourceFile:
    """One source file; Misconfigured('mapping.invalid') names file, line, key and what was expected."""
    data, lines = read_yaml(path)
    if not isinstance(data, dict):
        raise invalid(path.name, 1, (), "a mapping of keys")
    try:
        source = SourceFile.model_validate(data)
    except ValidationError as broken:
        keys, expected = complaint(SourceFile, broken)
        line = next(lines[keys[:depth]] for depth in range(len(keys), -1, -1) if keys[:depth] in lines)
        raise invalid(path.name, line, keys, expected) from broken
    source.written_at(f"{path.parent.name}/{path.name}", lines)
    return source


class BrokenSource(NamedTuple):
    """A source file that can't be used. ``source`` is the id that it gives, where that much can be read."""

    file: str  # <region>/<file>
    source: str | None
    error: Misconfigured


def survey(folder: Path) -> tuple[list[SourceFile], list[BrokenSource]]:
    """Every ``<region>/<source>.yaml`` below ``folder``, by id, and the broken ones, which cost the others nothing.

    Of two files with the same id the second is broken.
    """
    sources: dict[str, SourceFile] = {}
    broken: list[BrokenSource] = []
    for path in sorted(folder.glob("*/*.yaml")):
        if path.parent.name == TABLES:
            continue
        try:
            source = load_source(path)
            _refuse_twin(source, sources.get(source.source))
        except Misconfigured as wrong:
            broken.append(BrokenSource(f"{path.parent.name}/{path.name}", _claimed(path), wrong))
        else:
            sources[source.source] = source
    return [sources[name] for name in sorted(sources)], broken


def load_sources(folder: Path) -> list[SourceFile]:
    """Every source file below ``folder``, by id; the first broken one is raised."""
    sources, broken = survey(folder)
    if broken:
        raise broken[0].error
    return sources


def _refuse_twin(source: SourceFile, twin: SourceFile | None) -> None:
    if twin is not None:
        file, line = source.where("source")
        other, _ = twin.where("source")
        raise invalid(file, line, ("source",), f"an id that {other} doesn't use", "mapping.duplicate_source")


def _claimed(path: Path) -> str | None:
    try:
        data, _ = read_yaml(path)
    except Misconfigured:
        return None
    claimed = data.get("source") if isinstance(data, dict) else None
    return claimed if isinstance(claimed, str) else None
