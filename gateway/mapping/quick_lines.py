"""The lines of the quick way's function, as they are written: what they refer to, and what goes through the records.

A line that fails with one of ``EXPECTED``, whether by itself or because it says so, leaves what it looks at to the
general way. Only names that the mapping's own schema admits reach the text, paths as string literals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.mapping.plan import Field

_EXPECTED = (LookupError, TypeError, AttributeError, ValueError)


class Lines:
    """Lines about one ``item``, the source record ``at`` a place in ``items``; ``keep`` takes what becomes of it."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names: dict[str, Any] = {**names, "EXPECTED": _EXPECTED}
        self._lines: list[str] = []
        self._nodes: dict[tuple[str, ...], str] = {(): "item"}

    def _write(self, depth: int, line: str) -> None:
        self._lines.append("    " * depth + line)

    def _access(self, field: Field) -> str:
        assert field.spec.path is not None  # noqa: S101 - callers choose fields with a path
        return self._expression(field.spec.path, field.attribute.need == "R")

    def _expression(self, path: str, always: bool = False) -> str:
        *above, leaf = path.split(".")
        node = self._node(tuple(above))
        return f"{node}[{leaf!r}]" if always else f"{node}.get({leaf!r})"

    def _node(self, above: tuple[str, ...]) -> str:
        if above not in self._nodes:
            parent = self._node(above[:-1])
            name = f"node{len(self._nodes)}"
            self._nodes[above] = name
            self._write(2, f"{name} = {parent}[{above[-1]!r}]")
        return self._nodes[above]

    def _function(self) -> Any:
        """The lines that were written, around them what goes through the records."""
        given = ", ".join(f"{name}={name}" for name in self._names)  # a local name is found faster than a global one
        body = [
            f"def quick(items, latest, {given}):",
            "    found = []; keep = found.append",
            "    for at, item in enumerate(items):",
            "        wrong = False",
            "        try:",
            *(f"    {line}" for line in self._lines),
            "        except Exception: keep(record_anew(item, latest))",  # whatever it is, it is one record's
            "    return found",
        ]
        exec(compile("\n".join(body), "<mapping>", "exec"), self._names)  # noqa: S102 - generated from validated names only
        return self._names["quick"]
