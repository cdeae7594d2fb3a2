"""Guesses: by names, labels and values; the scale of ratings is never one of them."""

from __future__ import annotations

import pytest

from gateway.mapping import Masters
from gateway.mapping.sources import load_source
from gateway.onboarding.guess import code_map, guesses, time_form
from gateway.onboarding.scaffold import Wanted, scaffold
from gateway.onboarding.seen import Sample, SeenField
from gateway.onboarding.undecided import UNDECIDED, undecided
from schemas.attributes import ATTRIBUTES

SATISFACTION = ATTRIBUTES["evaluation"]["satisfaction"]
WANTED = Wanted("county_a", "某县评价", "rest", "county_a", "某县数据局", "511602000000")
FIVE = ("非常满意", "满意", "基本满意", "不满意", "非常不满意")


@pytest.mark.parametrize(
    ("path", "label", "kind", "name"),
    [
        ("手机号", "", "service", "mobile"),
        ("case.projectNo", "", "service", "project_no"),
        ("f7", "办件编号", "service", "project_no"),
        ("pf", "", "evaluation", "channel"),
        ("evaluation.time", "", "evaluation", "assess_time"),
        ("APPLICANT_NAME", "申请人姓名", "service", "user_name"),
    ],
)
def test_a_field_is_known_by_its_name_or_its_label(path: str, label: str, kind: str, name: str) -> None:
    found = guesses([SeenField(path, label)])
    assert {key for key, guess in found.items() if guess.field.path == path} >= {(kind, name)}


def test_a_part_of_the_record_that_is_about_the_case_is_not_the_rating_s() -> None:
    found = guesses([SeenField("case.channel"), SeenField("evaluation.channel")])
    assert found["evaluation", "channel"].field.path == "evaluation.channel"


def test_what_nobody_knows_is_guessed_as_nothing() -> None:
    assert guesses([SeenField("x1"), SeenField("zzz", "备用字段")]) == {}


def test_values_that_do_not_fit_the_name_take_the_surety_away() -> None:
    assert guesses([SeenField("mobile", "", ("13900000000",))])["service", "mobile"].surety == "sure"
    assert guesses([SeenField("mobile", "", ("有", "无"))])["service", "mobile"].surety == "likely"


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (("2026-11-20 08:00:00",), "yyyy-MM-dd HH:mm:ss"),
        (("20261120080000",), "yyyyMMddHHmmss"),
        (("2026-11-20T08:00:00+08:00",), "rfc3339"),
        (("1794845293000",), "epoch_ms"),
        (("2026-11-20 08:00:00", "20261120080000"), None),
        ((), None),
    ],
)
def test_times_are_known_when_all_agree(values: tuple[str, ...], form: str | None) -> None:
    assert time_form(values) == form


def test_five_words_are_a_scale_and_three_are_not() -> None:
    assert code_map(SATISFACTION, FIVE) == dict(zip(FIVE, "54321", strict=True))
    assert code_map(SATISFACTION, ("非常满意", "基本满意")) == dict(zip(FIVE, "54321", strict=True))
    assert code_map(SATISFACTION, ("满意", "不满意")) == {"满意": None, "不满意": None}
    assert code_map(SATISFACTION, ("满意", "基本满意", "不满意")) == {"满意": None, "基本满意": None, "不满意": None}


def test_numbers_are_never_taken_for_a_scale() -> None:
    made = scaffold(WANTED, Sample([SeenField("grade", "", ("1", "2", "3", "4", "5"))]), Masters())
    assert f"satisfaction: {{path: grade, table: {UNDECIDED}}}" in made.text


def test_no_value_of_a_person_is_ever_written_down() -> None:
    secret = ("王小明", "511602190001011234", "13912345678", "不好，找王小明")
    fields = [
        SeenField(name, "", (value,))
        for name, value in zip(("姓名", "证件号码", "手机号", "文字评价"), secret, strict=True)
    ]
    text = scaffold(WANTED, Sample(fields), Masters()).text
    assert "姓名" in text
    assert [value for value in secret if value in text] == []


def test_a_column_of_names_under_a_code_s_name_is_not_written_down() -> None:
    names = tuple(f"王小{chr(0x4E00 + number)}" for number in range(30))
    sample = Sample([SeenField("status", "", names), SeenField("pf", "", ("13912345678",))])
    text = scaffold(WANTED, sample, Masters()).text
    assert [name for name in (*names, "13912345678") if name in text] == []


def test_a_scaffold_is_yaml_whose_marks_all_have_a_line(tmp_path) -> None:  # type: ignore[no-untyped-def]
    made = scaffold(WANTED, None, Masters())
    path = tmp_path / "county_a.yaml"
    path.write_text(made.text, encoding="utf-8")
    source = load_source(path)
    lines = made.text.splitlines()
    assert source.gated
    assert {place.line for place in undecided(source)} == {
        number
        for number, line in enumerate(lines, 1)
        if UNDECIDED in line.partition(" #")[0] and not line.startswith("#")
    }
