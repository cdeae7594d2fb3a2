"""Numbers of a source as text: exactly, or not at all."""

from __future__ import annotations

import orjson
import pytest

from gateway.mapping.text import NotAScalarError, text


@pytest.mark.parametrize("written", ["0", "7", "-3", "13800138000", "20261101000000001", "18446744073709551615"])
def test_whole_numbers_keep_every_digit(written: str) -> None:
    assert text(orjson.loads(written)) == written


@pytest.mark.parametrize("written", ["20261101000000000001", "-99999999999999999999", "1e300"])
def test_a_number_whose_digits_are_lost_is_refused(written: str) -> None:
    with pytest.raises(NotAScalarError):
        text(orjson.loads(written))
