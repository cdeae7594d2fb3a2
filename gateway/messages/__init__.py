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
LANGUAGES: tuple[Lang, ...] = ("zh", "en")


class _Lenient(dict[str, Any]):
    """A parameter that the raiser left out shows as its name, since a message must never fail."""

    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


class _Gaps(dict[str, Any]):
    """What nobody remembered is told as left out."""

    def __missing__(self, name: str) -> str:
        return "…"


@cache
def catalogue(lang: Lang) -> dict[str, str]:
    """All sentences of one language."""
    sentences: dict[str, str] = {}
    for entry in (resources.files(__package__) / lang).iterdir():
        if entry.name.endswith(".toml"):
            sentences.update(tomllib.loads(entry.read_text(encoding="utf-8")))
    return sentences


def text(code: str, lang: Lang = "zh", /, **params: Any) -> str:
    """The sentence for ``code``; an unknown code is shown as it is, with its parameters."""
    sentence = catalogue(lang).get(code)
    if sentence is None:
        return str(GatewayError(code, **params))
    return sentence.format_map(_Lenient(params))


def reason(code: str, lang: Lang = "zh") -> str:
    """A short noun phrase for a problem's code; a code of the other side's own is shown as it is."""
    return catalogue(lang).get(f"reason.{code}", code)


def keep(error: GatewayError) -> str:
    """What a row remembers of ``error`` beside its code, so that it can be retold in either language."""
    return json.dumps(error.params, ensure_ascii=False, default=str)


def retell(code: str, kept: str | None, lang: Lang = "zh", **known: Any) -> str:
    """The sentence for a failure remembered by :func:`keep`; ``known`` stands in where nothing was kept.

    The other side's own words, which may hold anything, are never shown.
    """
    if code.startswith("http."):
        return text("http.status", lang, status=code.removeprefix("http."))
    try:
        params = json.loads(kept or "")
    except ValueError:
        params = None
    sentence = catalogue(lang).get(code, code)
    return sentence.format_map(_Gaps(known | params if isinstance(params, dict) else known))


def explain(error: GatewayError, lang: Lang = "zh") -> str:
    """What happened and what to do, for an operator."""
    return text(error.code, lang, **error.params)
