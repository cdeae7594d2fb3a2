"""The lines of the quick way that put a record's texts together: content, personal data, and the whole for the digest.

Names that they refer to: of a group its texts, ``task_0`` …; of an attribute that stands alone its value, and
``text_mobile`` … where it may be missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from itertools import groupby
from typing import NamedTuple

from gateway.mapping.layout import SINGLE, Piece

_UNESCAPED = frozenset({"service_time", "assess_time", "apply_date", "accept_date", "result_date"}) | frozenset(
    {"project_no", "service_number", "mobile"}
)


class _Run(NamedTuple):
    """Neighbours on the wire that rest in the same cell."""

    personal: bool
    text: str  # the inside of an f-string
    names: tuple[str, ...]  # of which one at least has something in it, where there is any text
    always: bool  # there is


def member(piece: Piece) -> str:
    """The inside of an f-string: a single attribute's text on the wire."""
    ((wire, name),) = piece.names
    value = f'"{{{name}}}"' if name in _UNESCAPED else f"{{quoted({name})}}"
    return f'{piece.before}"{wire}":{value}{piece.behind}'


def values(pieces: list[Piece], always: Set[str]) -> str:
    """The record's canonical values, as a tuple."""
    return f"({', '.join(name for run in _runs(pieces, always) for name in run.names)},)"


def writing(kind: str, key: str, pieces: list[Piece], always: Set[str]) -> Iterator[str]:
    """Lines that leave ``content``, ``personal`` and ``digest``; ``key`` is the name of what holds the record's."""
    runs = _runs(pieces, always)
    content, personal, whole = ["b'{'"], list[str](), ["b'{\"data\":{'"]  # names of what is to be joined
    for number, run in enumerate(runs):
        yield f"run_{number} = f'{run.text}'.encode()"
        whole.append(f"run_{number}")
        if not run.personal:
            content.append(f"run_{number}")
            continue
        yield from _line_feed(number, runs)
        content.append(f"line_{number}")
        personal += [f"run_{number}", f"line_{number}"]
    whole.append(f'f\'}}}},"key":"{{{key}}}","kind":"{kind}","version":1}}}}\'.encode()')
    sure = any(run.always for run in runs if run.personal)
    content.append("b'}'")
    yield f"content = {_joined(content)}"
    yield f"personal = {_joined(personal)}{'' if sure else ' or None'}"
    yield f"digest = sm3({_joined(whole)})"


def _joined(names: list[str]) -> str:
    return f"join(({', '.join(names)},))" if names else "b''"


def _line_feed(number: int, runs: list[_Run]) -> Iterator[str]:
    """What ends a personal run's line: nothing where there is no line, or where all up to the next run is missing.

    Then both are one line, which the later run ends.
    """
    run, later = runs[number], runs[number + 2 :]
    parted = not later or runs[number + 1].always
    before = [f"open_{number - 2}"] if number >= 2 and not runs[number - 1].always else []
    held = "True" if run.always else " or ".join([*before, *run.names])
    if parted:
        yield f"line_{number} = b'\\n'" + ("" if run.always else f" if {held} else b''")
        return
    yield f"line_{number} = b'\\n' if ({held}) and ({' or '.join(runs[number + 1].names)}) else b''"
    yield f"open_{number} = ({held}) and not line_{number}"


def _runs(pieces: list[Piece], always: Set[str]) -> list[_Run]:
    texts: dict[str, int] = {}
    runs = []
    for personal, run in groupby(pieces, lambda piece: piece.personal):
        text, names, sure = "", [], False
        for piece in run:
            if piece.owner == SINGLE:
                ((_, name),) = piece.names
                text += member(piece) if name in always else f"{{text_{name}}}"
            else:
                at = texts[piece.owner] = texts.get(piece.owner, -1) + 1
                name = f"{piece.owner}_{at}"
                text += f"{{{name}}}"
            names.append(name)
            sure |= any(one in always for _, one in piece.names)
        runs.append(_Run(personal, text, tuple(names), sure))
    return runs
