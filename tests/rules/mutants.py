"""One change that takes a rule out: in a data file, or in a module."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple, Protocol

ROOT = Path(__file__).resolve().parents[2]


class Mutant(NamedTuple):
    """``plant`` makes the change in this process, before the gateway is imported."""

    place: str  # the file, from the root
    what: str
    hints: tuple[str, ...]  # what the rules that should notice have in their names
    change: Change

    def plant(self) -> None:
        self.change.plant()


class Change(Protocol):
    def plant(self) -> None: ...


class Unchanged(NamedTuple):
    """The original: nothing in the book may fail on it."""

    def plant(self) -> None:
        pass


class DataChange(NamedTuple):
    """A file of ``schemas/data`` or ``mappings/tables`` with other text."""

    place: str
    made: Callable[[], str]

    def plant(self) -> None:
        text = self.made()
        if self.place.startswith("schemas/data/"):
            from schemas import resource

            whole, name = resource.read_bytes, self.place.rsplit("/", 1)[1]
            resource.read_bytes = lambda wanted: text.encode() if wanted == name else whole(wanted)
            return
        path, read = ROOT / self.place, Path.read_text

        def read_text(asked: Path, *arguments: Any, **named: Any) -> str:
            return text if asked == path else read(asked, *arguments, **named)

        Path.read_text = read_text  # type: ignore[method-assign]


class CodeChange(NamedTuple):
    """A module compiled from another text."""

    place: str
    made: Callable[[], str]

    def plant(self) -> None:
        sys.meta_path.insert(0, _Finder(self.place, self.made()))


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, place: str, text: str) -> None:
        self._name = place.removesuffix(".py").replace("/", ".")
        self._path, self._text = ROOT / place, text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        loader = _Loader(fullname, str(self._path))
        loader.text = self._text
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    text = ""

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.text, self.path, "exec")
