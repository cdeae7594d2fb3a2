"""Check digits (records.md 6), against weights and alphabets as printed there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from random import Random

from gateway.domain.check_digit import credit_code_valid, identity_number_valid, organisation_code_valid
from tests.rules.ground import DEPARTMENT, OTHER_DEPARTMENT, PERSON, Rule


def rules() -> Iterator[Rule]:
    yield Rule("6.1 vectors", _credit_vectors)
    yield Rule("6.1 weights, alphabet, remainder", _credit)
    yield Rule("6.2 vectors", _organisation_vectors)
    yield Rule("6.2 weights, alphabet, remainder", _organisation)
    yield Rule("6.3 vector", _identity_vector)
    yield Rule("6.3 weights and check characters", _identity)
    yield Rule("6.3 a real date of birth", _birth)


# the page's own figures
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def organisation_code(eight: str) -> str:
    """Eight characters with the check character of section 6.2."""
    total = sum(
        ORGANISATION_ALPHABET.index(one) * weight for one, weight in zip(eight, ORGANISATION_WEIGHTS, strict=True)
    )
    check = 11 - total % 11
    return eight + {10: "X", 11: "0"}.get(check, str(check))


def credit_code(seventeen: str) -> str:
    """Seventeen characters with the check character of section 6.1."""
    total = sum(ALPHABET.index(one) * weight for one, weight in zip(seventeen, CREDIT_WEIGHTS, strict=True))
    return seventeen + ALPHABET[(31 - total % 31) % 31]


def identity_number(seventeen: str) -> str:
    """Seventeen digits with the check character of section 6.3."""
    total = sum(int(one) * weight for one, weight in zip(seventeen, IDENTITY_WEIGHTS, strict=True))
    return seventeen + "10X98765432"[total % 11]


def _credit_vectors() -> None:
    for code in ("11110000000021135M", OTHER_DEPARTMENT, DEPARTMENT):
        assert credit_code_valid(code)
    for code in (
        "",
        "1" * 17,
        "11110000000021135m",
        "11110000000021135N",
        "1111000000002113SM",
        OTHER_DEPARTMENT + "0",
    ):
        assert not credit_code_valid(code)


def _credit() -> None:
    draw = Random(61)
    checks = set()
    for _ in range(400):
        middle = "".join(draw.choices(ALPHABET, k=8))
        code = credit_code("".join(draw.choices(ALPHABET, k=8)) + organisation_code(middle))
        checks.add(code[-1])
        assert credit_code_valid(code)
        wrong = ALPHABET[(ALPHABET.index(code[-1]) + 1) % 31]
        assert not credit_code_valid(code[:-1] + wrong)
    assert checks == set(ALPHABET)
    broken = credit_code("11440232MB2D06812")
    assert not credit_code_valid(broken), "characters 9 to 17 are an organisation code"
    for letter in "IOSVZ":
        assert not credit_code_valid(letter + OTHER_DEPARTMENT[1:])


def _organisation_vectors() -> None:
    for code in ("000021135", "MB2D06811"):
        assert organisation_code_valid(code)
    for code in ("", "00002113", "000021134", "mb2d06811", "0000211350"):
        assert not organisation_code_valid(code)


def _organisation() -> None:
    draw = Random(62)
    checks = set()
    for _ in range(300):
        code = organisation_code("".join(draw.choices(ORGANISATION_ALPHABET, k=8)))
        checks.add(code[-1])
        assert organisation_code_valid(code)
        assert not organisation_code_valid(code[:-1] + ("1" if code[-1] != "1" else "2"))
    assert checks == set("0123456789X")


def _identity_vector() -> None:
    assert identity_number_valid(PERSON)
    for number in ("", PERSON[:-1], PERSON.lower(), PERSON[:-1] + "1", "1" * 18, PERSON + "X", "\u0661" + PERSON[1:]):
        assert not identity_number_valid(number)


def _identity() -> None:
    draw = Random(63)
    checks = set()
    for _ in range(300):
        day = date.fromordinal(draw.randint(date(1800, 1, 1).toordinal(), date(1909, 12, 31).toordinal()))
        number = identity_number(f"{draw.randint(110000, 659999)}{day:%Y%m%d}{draw.randint(0, 999):03}")
        checks.add(number[-1])
        assert identity_number_valid(number)
        assert not identity_number_valid(number[:-1] + ("1" if number[-1] != "1" else "2"))
    assert checks == set("0123456789X")


def _birth() -> None:
    for day in ("19000228", "19040229", "18991231"):
        assert identity_number_valid(identity_number(f"110105{day}002"))
    for day in ("19000229", "19030229", "19031301", "19030001", "19030431", "19030100", "00000101"):
        assert not identity_number_valid(identity_number(f"110105{day}002"))
