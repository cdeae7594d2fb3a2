"""《县区接入指南》 and the code are one: every error that a county can cause has its sentence and its line."""

from __future__ import annotations

import re

import pytest

from connectors import kinds
from gateway.domain.problem import PROBLEMS
from gateway.messages import catalogue
from gateway.onboarding.gates import GATES
from tests.unit.house.test_runbook import ANY_STATUS, DOCS, failures

GUIDE = (DOCS / "县区接入指南.md").read_text(encoding="utf-8")
ROOMS = {  # whose failures lie at the source, in its file, or on the way to it
    *("net", "http", "rest", "paging", "sftp", "ftp", "file", "database", "soap", "inbox", "cipher"),
    *("page", "mapping", "masters", "connector", "source", "config", "satisfaction"),
}
ROW = re.compile(r"^\| ((?:`[a-z_.]+` ?)+)\| (.+) \|$", re.M)
PROVINCE = {
    "config.key_store_invalid",
    "config.passphrase_exposed",
    "config.passphrase_missing",
}  # not theirs
COMPOSED = {ANY_STATUS, "satisfaction.scale_undeclared"}


def causable() -> set[str]:
    return {code for code in failures() if code.split(".")[0] in ROOMS} - PROVINCE | {"hotline.profile_invalid"}


def section(number: str) -> dict[str, str]:
    """The table of a chapter: code to what stands beside it."""
    text = GUIDE.partition(f"\n## {number}、")[2].partition("\n## ")[0]
    return {code: told for codes, told in ROW.findall(text) for code in re.findall(r"`([a-z_.]+)`", codes)}


def test_every_error_a_county_can_cause_has_a_line_that_says_what_to_do() -> None:
    told = section("十")
    assert set(told) == causable()
    assert {code for code, line in told.items() if len(line) < 6} == set()


@pytest.mark.parametrize("code", sorted(causable() - COMPOSED))
def test_its_sentence_is_chinese_and_ends(code: str) -> None:
    sentence = catalogue("zh")[code]
    assert re.search(r"[\u4e00-\u9fff]", sentence)
    assert len(sentence) >= 8


def test_every_reason_for_quarantine_has_a_line() -> None:
    assert set(section("十一")) == set(PROBLEMS)


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_has_a_worked_example(kind: str) -> None:
    assert f"--kind {kind}" in GUIDE


def test_the_guide_names_the_gates_that_there_are() -> None:
    named = set(re.findall(r"--without ([a-z_]+)", GUIDE))
    assert named
    assert named <= set(GATES)
