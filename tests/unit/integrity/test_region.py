"""Region codes as a tree, from the province to the village."""

from __future__ import annotations

import pytest

from gateway.domain.region import at_level, common, finer, padded, within


@pytest.mark.parametrize(
    ("code", "region", "inside"),
    [
        ("511602103005", "511602103000", True),
        ("511602103005", "511602000000", True),
        ("511602103005", "511600000000", True),
        ("511602103005", "510000000000", True),
        ("511602103005", "511602103005", True),
        ("511602100000", "511602103000", False),
        ("511602000000", "511602103000", False),
        ("511603000000", "511602000000", False),
        ("511602010001", "511602010000", True),
        ("370800000000", "371000000000", False),
        ("371002000000", "371000000000", True),
    ],
)
def test_a_place_lies_in_its_region_and_in_no_other(code: str, region: str, inside: bool) -> None:
    assert within(code, region) is inside


def test_codes_of_every_level_are_padded_and_nothing_else() -> None:
    assert [padded(code) for code in ("51", "5116", "511602", "511602103", "511602103005")] == [
        "510000000000",
        "511600000000",
        "511602000000",
        "511602103000",
        "511602103005",
    ]
    full_width = "\uff15\uff11\uff11\uff16\uff10\uff12"
    assert [padded(code) for code in ("5", "51160", "5116021", "51160x", full_width, "")] == [None] * 6


def test_what_several_places_have_in_common() -> None:
    assert common(["511602103005", "511602103007"]) == "511602103000"
    assert common(["511602103005", "511602000000"]) == "511602000000"
    assert common(["511602103005", "511681000000", "511603000000"]) == "511600000000"
    assert common(["511602000000"]) == "511602000000"
    assert common(["511602000000", "500101000000"]) is None
    assert common(["511602000000", None]) is None
    assert common([]) is None


def test_the_level_below() -> None:
    assert [finer(region) for region in (None, "510000000000", "511600000000", "511602000000", "511602103000")] == [
        *(6, 4, 6, 9, 12)
    ]
    assert finer("511602103005") == 12
    assert at_level("511602103005", 9) == "511602103000"
