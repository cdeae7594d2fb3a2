"""Reading source files (数据源配置) from ``mappings/``."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

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


def load_sources(folder: Path) -> list[SourceFile]:
    """Every ``<region>/<source>.yaml`` below ``folder``, by id; an id that is used twice is refused."""
    sources: dict[str, SourceFile] = {}
    for path in sorted(folder.glob("*/*.yaml")):
        if path.parent.name == TABLES:
            continue
        source = load_source(path)
        if source.source in sources:
            file, line = source.where("source")
            other, _ = sources[source.source].where("source")
            raise invalid(file, line, ("source",), f"an id that {other} doesn't use", "mapping.duplicate_source")
        sources[source.source] = source
    return [sources[name] for name in sorted(sources)]
