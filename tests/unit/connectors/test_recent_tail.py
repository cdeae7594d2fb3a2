"""The short way of a bulk pull gives the sums that looking at every record would."""

from __future__ import annotations

import json
import random

import pytest

from connectors.bodies import JsonBody
from connectors.recent import Lookback


def moment_of(record: bytes) -> str | int | None:
    return JsonBody.moment(record, "at.changed")


def made(moments: list[int | None]) -> list[bytes]:
    return [json.dumps({"id": number, "at": {"changed": at}}).encode() for number, at in enumerate(moments)]


@pytest.mark.parametrize("seed", range(40))
def test_the_tail_holds_all_that_is_kept(seed: int) -> None:
    chance = random.Random(seed)
    look = Lookback(chance.choice([1, 50, 600, 100_000]), "ids", moment_of)
    moments: list[int | None] = [*sorted(chance.choices(range(1, 5000), k=chance.randint(1, 200)))]
    last = moments[-1]
    assert last is not None
    for _ in range(chance.randint(0, 5)):
        moments.insert(chance.randrange(len(moments)), None)
    records = made(moments)
    whole = look.kept(look.add({}, records, lambda number: number < last), last)
    assert look.add({}, look.tail(records, last), lambda number: number < last) == whole


def test_the_tail_of_a_long_past_is_short() -> None:
    records = made(list(range(1, 1001)))
    assert len(Lookback(16, "ids", moment_of).tail(records, 1000)) <= 18


@pytest.mark.parametrize(
    ("record", "moment"),
    [
        (b'{"at":{"changed":"x"}}', "x"),
        (b'{"at":{"changed":7}}', 7),
        (b'{"at":{"changed":null}}', None),
        (b'{"at":{"changed":""}}', None),
        (b'{"at":{"changed":1.5}}', None),
        (b'{"at":{"changed":true}}', None),
        (b'{"at":{}}', None),
        (b'{"at":null}', None),
        (b'{"at":[1]}', None),
        (b"[1]", None),
        (b'{"at":', None),
        (b'{"held":1,"at":{"held":2,"changed":"x","changed":"y"}}', "y"),
    ],
)
def test_a_moment_is_text_or_a_whole_number(record: bytes, moment: str | int | None) -> None:
    assert moment_of(record) == moment
