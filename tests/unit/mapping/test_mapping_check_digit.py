"""Golden vectors of records.md section 6, and that every change of one character is noticed."""

from __future__ import annotations

import csv
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.check_digit import credit_code_valid, identity_number_valid, organisation_code_valid

CREDIT = ("11110000000021135M", "11440232MB2D06811W", "115113016823646795")
ORGANISATION = ("000021135", "MB2D06811")
IDENTITY = "11010519491231002X"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.mark.parametrize("code", CREDIT)
def test_credit_codes(code: str) -> None:
    assert credit_code_valid(code)
    assert organisation_code_valid(code[8:17])
    assert not credit_code_valid(code.lower() if code[-1].isalpha() else code[:-1])


@pytest.mark.parametrize("code", ORGANISATION)
def test_organisation_codes(code: str) -> None:
    assert organisation_code_valid(code)
    assert not organisation_code_valid(code[:-1])


def test_organisation_code_checks_ten_and_eleven() -> None:
    valid = [
        f"{number:08}{check}"
        for number in range(60)
        for check in "0X"
        if organisation_code_valid(f"{number:08}{check}")
    ]
    assert {code[-1] for code in valid} == {"0", "X"}


@given(st.sampled_from(CREDIT), st.integers(0, 17), st.sampled_from(ALPHABET + "IOSVZa 一"))
def test_one_changed_character_breaks_a_credit_code(code: str, at: int, character: str) -> None:
    changed = code[:at] + character + code[at + 1 :]
    assert credit_code_valid(changed) == (changed == code)


def test_identity_numbers() -> None:
    assert identity_number_valid(IDENTITY)
    assert not identity_number_valid(IDENTITY.lower())
    assert not identity_number_valid(IDENTITY[:17])


@given(st.integers(0, 17), st.sampled_from("0123456789X٣ "))
def test_one_changed_character_breaks_an_identity_number(at: int, character: str) -> None:
    changed = IDENTITY[:at] + character + IDENTITY[at + 1 :]
    assert identity_number_valid(changed) == (changed == IDENTITY)


def test_the_day_of_birth_must_be_real() -> None:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)

    def number(birth: str) -> str:
        body = "110105" + birth + "002"
        total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
        return body + "10X98765432"[total % 11]

    assert identity_number_valid(number("20000229"))
    assert not identity_number_valid(number("19000229"))
    assert not identity_number_valid(number("20001301"))


def test_published_department_codes_of_one_district() -> None:
    """264 of a district's department codes were valid credit codes; of those shipped here, some are and some aren't."""
    body = (resources.files("sandbox") / "data" / "service_items.csv").read_text(encoding="utf-8-sig")
    codes = [row["dept_code"] for row in csv.DictReader(body.splitlines())]
    valid = {code for code in codes if credit_code_valid(code)}
    assert "1151130108778239R" not in valid
    assert 0 < len(valid) < len(set(codes))
