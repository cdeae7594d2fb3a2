"""One change that takes a rule out: in a data file, or in a module."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple, Protocol

ROOT = Path(__file__).resolve().parents[2]


class Mutant(NamedTuple):
    """``plant`` makes the change in this process, which has asked nothing of the gateway yet."""

    place: str  # the file, from the root
    what: str
    hints: tuple[str, ...]  # what the rules that should notice have in their names
    change: Change
    late: bool = False  # may be planted when the gateway is imported, as long as nothing was asked of it

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
            if name == "attributes.csv":
                _read_attributes_again()
            _ask_lists_again()
            return
        path, read = ROOT / self.place, Path.read_text

        def read_text(asked: Path, *arguments: Any, **named: Any) -> str:
            return text if asked == path else read(asked, *arguments, **named)

        Path.read_text = read_text  # type: ignore[method-assign]


def _read_attributes_again() -> None:
    """The attributes are read when the gateway is imported: refill what everybody holds, and what follows from it."""
    from schemas import attributes, wire

    for kind, known in attributes._load().items():
        attributes.ATTRIBUTES[kind].clear()
        attributes.ATTRIBUTES[kind].update(known)
        attributes.PERSONAL[kind] = frozenset(name for name, attribute in known.items() if attribute.personal)
    importlib.reload(wire)


def _ask_lists_again() -> None:
    """Some classes ask for a list when they are made: what they were told must not stand for what is asked now."""
    from schemas import code_lists

    for asked in vars(code_lists).values():
        getattr(asked, "cache_clear", bool)()


class CodeChange(NamedTuple):
    """A module compiled from another text."""

    place: str
    made: Callable[[], str]

    def plant(self) -> None:
        name = _module(self.place)
        if name in sys.modules:
            _rewrite(vars(sys.modules[name]), self.made(), self.place)
        else:
            sys.meta_path.insert(0, _Finder(self.place, self.made()))


def _module(place: str) -> str:
    return place.removesuffix(".py").replace("/", ".")


def _rewrite(held: dict[str, Any], text: str, place: str) -> None:
    """Give every function and method of a module the code that it has in ``text``, whoever holds it by now."""
    made: dict[str, Any] = {"__name__": held["__name__"]}
    exec(compile(text, place, "exec"), made)
    for name, new in made.items():
        old = held.get(name)
        pairs = [(old, new)]
        if isinstance(new, type) and new.__module__ == held["__name__"]:
            pairs = [(vars(old).get(one), function) for one, function in vars(new).items()]
        for before, after in pairs:
            old_one, new_one = _function(before), _function(after)
            if old_one is not None and new_one is not None and old_one.__module__ == held["__name__"]:
                old_one.__code__ = new_one.__code__


def _function(found: Any) -> FunctionType | None:
    """The function behind a property or a static method, or itself."""
    inner = getattr(found, "fget", None) or getattr(found, "__func__", None) or found
    return inner if isinstance(inner, FunctionType) else None


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, place: str, text: str) -> None:
        self._name = _module(place)
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
