"""The guides are held to the code: a place per error code, a row per problem code, every mapping key, no dead links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.domain.failure import REFUSALS
from gateway.domain.problem import PROBLEMS
from gateway.mapping.masters import SharedTable
from gateway.mapping.spec import Condition, FieldSpec, MappingSpec, Profile, Reading
from gateway.messages import catalogue
from schemas.source import SourceFile
from tests.unit.house.test_messages import raised_codes

DOCS = Path(__file__).resolve().parents[3] / "docs"
RUNBOOK = (DOCS / "运行手册.md").read_text(encoding="utf-8")
MAPPING_GUIDE = (DOCS / "映射编写指南.md").read_text(encoding="utf-8")
GUIDES = sorted(DOCS.glob("*[一-鿿]*.md"))

NAMES = re.compile(r"order\.\d\d|target\.(national|hotline)|batch\.[A-Z_]+")  # of states and places: no failures
ANY_STATUS = "http.status"  # stands for http.400, http.502, …
WORDS = {"cli", "conformance", "explain", "integrity", "items", "keys"}  # rooms whose catalogue holds words of a screen
BY_PARAMETER = {ANY_STATUS, "satisfaction.scale_undeclared", "rectification.close_incomplete"}
HEADING = re.compile(r"^### (`.*)$", re.M)
CODE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")


def failures() -> set[str]:
    """Codes that are raised, that the platform refuses with, and that are put together at run time."""
    raised = raised_codes() | set(REFUSALS)
    rooms = {code.split(".")[0] for code in raised} - WORDS
    composed = {code for code in catalogue("zh") if code.split(".")[0] in rooms and not NAMES.fullmatch(code)}
    return raised | composed | BY_PARAMETER


def headings() -> list[str]:
    return [code for line in HEADING.findall(RUNBOOK) for code in CODE.findall(line)]


def test_every_failure_has_one_place_in_the_runbook() -> None:
    described = headings()
    assert sorted(described) == sorted(set(described))
    assert failures() - set(described) == set()


def test_the_runbook_knows_no_code_that_does_not_exist() -> None:
    assert set(headings()) - failures() == set()


def test_every_place_says_who_acts_what_to_do_and_what_is_safe() -> None:
    for section in re.split(r"^###? ", RUNBOOK, flags=re.M):
        if section.startswith("`"):
            wanted = ["- **谁处理**：", "- **怎么办**：", "- **不受影响**："]
            assert [line for line in wanted if line not in section] == [], section.splitlines()[0]


def test_the_mapping_guide_lists_every_problem_with_its_severity() -> None:
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| ([EHW]\*?) \|", MAPPING_GUIDE, re.M))
    assert rows == {code: kind.severity + "*" * kind.lowerable for code, kind in PROBLEMS.items()}


@pytest.mark.parametrize("model", [SourceFile, MappingSpec, FieldSpec, Condition, Reading, Profile, SharedTable])
def test_the_mapping_guide_explains_every_key(model: type[BaseModel]) -> None:
    keys = {field.alias or name for name, field in model.model_fields.items()}
    assert {key for key in keys if f"`{key}`" not in MAPPING_GUIDE} == set()


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_every_link_of_a_guide_leads_somewhere(guide: Path) -> None:
    for target in LINK.findall(guide.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        page = guide.parent / name if name else guide
        assert page.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
            assert anchor in {slug(title) for title in titles}, target


def slug(title: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
