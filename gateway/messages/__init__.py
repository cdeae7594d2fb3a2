"""Sentences for people (操作员看到的文字), by code: Chinese first, English by a switch.

``messages/zh/*.toml`` and ``messages/en/*.toml`` hold lines ``"code" = "sentence with {params}"``; a file per room.
A test holds both languages to the same codes.
"""

from __future__ import annotations

import json
import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal

from gateway.errors import GatewayError

Lang = Literal["zh", "en"]


class _Lenient(dict[str, Any]):
    """A parameter that the raiser left out shows as its name, since a message must never fail."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


@cache
def catalogue(lang: Lang) -> dict[str, str]:
    """All sentences of one language."""
    sentences: dict[str, str] = {}
    for entry in (resources.files(__package__) / lang).iterdir():
        if entry.name.endswith(".toml"):
            sentences.update(tomllib.loads(entry.read_text(encoding="utf-8")))
    return sentences


def text(code: str, /, lang: Lang = "zh", **params: Any) -> str:
    """The sentence for ``code``; an unknown code is shown as it is, with its parameters."""
    sentence = catalogue(lang).get(code)
    if sentence is None:
        return str(GatewayError(code, **params))
    return sentence.format_map(_Lenient(params))


def note(error: GatewayError) -> str:
    """The error's parameters as text to be stored beside its code, so that it can be told in either language later."""
    return json.dumps(error.params, ensure_ascii=False, default=str)


def recall(noted: str | None) -> dict[str, Any]:
    """The parameters in what :func:`note` wrote; plain words, such as a platform's own, become ``detail``."""
    try:
        params = json.loads(noted or "{}")
    except ValueError:
        params = None
    return params if isinstance(params, dict) else {"detail": noted, "reason": noted, "status": noted}


def explain(error: GatewayError, lang: Lang = "zh") -> str:
    """What happened and what to do, for an operator."""
    return text(error.code, lang, **error.params)
