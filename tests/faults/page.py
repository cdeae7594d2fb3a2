"""The page ``docs/faults.md``: a head, which the campaign of kills writes, and a section for each other campaign."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

MARK = "\n## "


def put_head(file: Path, text: str) -> None:
    """``text`` in place of all that stands before the first section."""
    _, *sections = _parts(file)
    _write(file, [text.rstrip("\n") + "\n", *sections])


def put_section(file: Path, title: str, lines: Iterable[str]) -> None:
    """The section of that title anew, where it stands or at the end."""
    head, *sections = _parts(file)
    text = "\n".join([title, "", *lines]).rstrip("\n") + "\n"
    others = [section for section in sections if section.partition("\n")[0] != title]
    at = next((at for at, section in enumerate(sections) if section not in others), len(others))
    _write(file, [head, *others[:at], text, *others[at:]])


def _parts(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").split(MARK) if file.exists() else [""]


def _write(file: Path, parts: list[str]) -> None:
    file.write_text(MARK.join(part.rstrip("\n") + "\n" for part in parts), encoding="utf-8")
