"""Every code that is raised has a sentence, in both languages, with the same parameters."""

from __future__ import annotations

import ast
import re
import string
from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.messages import catalogue, expected, explain, text

ROOT = Path(__file__).resolve().parents[3]
RAISED = {"Transient", "Rejected", "Misconfigured", "Bug"}


def raised_codes() -> set[str]:
    codes = set()
    for room in ("gateway", "connectors", "schemas"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not node.args:
                    continue
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                first = node.args[0]
                if name in RAISED and isinstance(first, ast.Constant) and isinstance(first.value, str):
                    codes.add(first.value)
    return codes


def parameters(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


def test_both_languages_know_the_same_codes() -> None:
    assert set(catalogue("zh")) == set(catalogue("en"))


@pytest.mark.parametrize("code", sorted(raised_codes()))
def test_every_raised_code_has_a_sentence(code: str) -> None:
    assert code in catalogue("zh")
    assert code in catalogue("en")


@pytest.mark.parametrize("code", sorted(catalogue("zh")))
def test_sentences_take_the_same_parameters(code: str) -> None:
    assert parameters(catalogue("zh")[code]) == parameters(catalogue("en")[code])


def fixed_expectations() -> set[str]:
    """Every phrase that mapping gives as what it expected, with {} where something varies."""
    phrases = set()
    for path in (ROOT / "gateway" / "mapping").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", getattr(getattr(node, "func", None), "id", ""))
            place = {"_refuse": 1, "invalid": 3, "fail": 2, "ValueError": 0}.get(name)
            arguments = getattr(node, "args", ())
            if place is None or len(arguments) <= place:
                continue
            told = arguments[place]
            if isinstance(told, ast.Constant) and isinstance(told.value, str):
                phrases.add(told.value)
            elif isinstance(told, ast.JoinedStr):
                phrases.add(
                    "".join(
                        getattr(part, "value", "") if isinstance(part, ast.Constant) else "{}" for part in told.values
                    )
                )
    return {phrase for phrase in phrases if re.search("[a-z]{2}", phrase)}


@pytest.mark.parametrize("phrase", sorted(fixed_expectations()))
def test_what_was_expected_is_told_in_the_readers_language(phrase: str) -> None:
    assert expected(phrase, "en") == phrase
    if phrase not in {"{} ({})", "evaluation_round", "{}: {}"}:  # attributes and lists, by their own names
        assert re.search("[一-鿿]|YAML", expected(phrase, "zh")), phrase


def test_what_varies_is_kept() -> None:
    assert expected("did you mean 'path'?") == "是否应为 path"
    assert expected("a table of channel, not of case_status") == "channel 的码表，而不是 case_status 的"
    assert "只用于 area_code" in explain(Misconfigured("mapping.invalid", expected="only for area_code"))
    assert expected("1-99") == "1-99"


def test_a_message_never_fails() -> None:
    assert "GW_CONN_X" in explain(Misconfigured("config.connection_missing", variable="GW_CONN_X"))
    assert text("no.such.code", "en", source="a") == "no.such.code (source=a)"


def test_a_parameter_may_have_any_name() -> None:
    assert "http" in text("net.plain_http", "zh", host="a", code="b", lang="c")
    assert text("no.such.code", "en", code="c", lang="zh") == "no.such.code (code=c, lang=zh)"
