"""Code put in the place of other code for a while."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any


class Patches:
    """What was put in the place of what; put back at the end."""

    def __init__(self) -> None:
        self._undo = ExitStack()

    def put(self, owner: Any, name: str, new: Any) -> Any:
        """``new`` in place of ``owner.name``, which is returned."""
        old = getattr(owner, name)
        setattr(owner, name, new)
        self._undo.callback(setattr, owner, name, old)
        return old

    def put_back(self) -> None:
        self._undo.close()
