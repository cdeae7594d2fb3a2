"""Sentences for people (操作员看到的文字), by code: Chinese first, English by a switch.

``messages/zh/*.toml`` and ``messages/en/*.toml`` hold lines ``"code" = "sentence with {params}"``; a file per room.
A test holds both languages to the same codes.
"""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from importlib import resources
from typing import Any, Literal

from gateway.errors import GatewayError

EXPECTED = "expected."  # before what was expected, in the program's own words
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
    return sentence.format_map(_Lenient(_told(params, lang)))


def expected(phrase: str, lang: Lang = "zh") -> str:
    """What was expected instead, as the program says it in English, in the reader's language; else as it is."""
    exact = catalogue(lang).get(f"{EXPECTED}{phrase}")
    if exact is not None:
        return exact
    for form, told in _forms(lang):
        varying = form.fullmatch(phrase)
        if varying is not None:
            return told.format(*varying.groups())
    return phrase


@cache
def _forms(lang: Lang) -> list[tuple[re.Pattern[str], str]]:
    """Phrases in which something varies, the longest first: it says most."""
    phrases = {code.removeprefix(EXPECTED): told for code, told in catalogue(lang).items() if code.startswith(EXPECTED)}
    varying = sorted((phrase for phrase in phrases if "{}" in phrase), key=len, reverse=True)
    return [(re.compile(re.escape(phrase).replace(r"\{\}", "(.+)"), re.DOTALL), phrases[phrase]) for phrase in varying]


def _told(params: dict[str, Any], lang: Lang) -> dict[str, Any]:
    said = params.get("expected")
    return params | {"expected": expected(said, lang)} if isinstance(said, str) else params


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
    return sentence.format_map(_Gaps(_told(known | params if isinstance(params, dict) else known, lang)))


def explain(error: GatewayError, lang: Lang = "zh") -> str:
    """What happened and what to do, for an operator."""
    return text(error.code, lang, **error.params)
