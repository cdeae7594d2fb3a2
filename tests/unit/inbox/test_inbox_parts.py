"""Keys, limits and groups, each alone."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import connectors
from connectors import options_of
from connectors.inbox.keys import sender_keys
from connectors.inbox.options import Options
from gateway.crypto import sm2
from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.inbox.doors import open_doors
from gateway.inbox.gathering import LARGEST, Gathering
from gateway.inbox.limits import Bucket, Room
from gateway.mapping import compile_mapping, load_masters
from gateway.mapping.sources import load_source
from gateway.settings import Connection, load
from schemas.source import SourceFile

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = load_source(ROOT / "connectors" / "inbox" / "example.yaml")
KEYS = {"hall_01_2026a": "11" * 32, "hall_01_2027a": "22" * 32, "county_app_2026a": sm2.generate().public.pem.decode()}


def connection(**changed: Any) -> Connection:
    return Connection(extra={"keys": KEYS | changed})


def test_the_example_compiles_and_its_keys_are_found() -> None:
    compile_mapping(EXAMPLE, load_masters(ROOT / "mappings"))
    made = connectors.build(EXAMPLE, connection(), "")
    assert [finding.detail for finding in made.check()] == [
        "hall-01/2026a: hmac_sm3",
        "hall-01/2027a: hmac_sm3",
        "county-app/2026a: sm2",
    ]
    assert (list(made.pages(None, lambda _: False)), made.unfinished()) == ([], [])


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"hall_01_2026a": None}, "inbox.key_missing"),
        ({"hall_01_2026a": "11" * 31}, "inbox.key_unusable"),
        ({"hall_01_2026a": "password"}, "inbox.key_unusable"),
        ({"county_app_2026a": "11" * 32}, "inbox.key_unusable"),
    ],
)
def test_a_key_that_cannot_be_used_is_named_and_never_shown(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        connectors.build(EXAMPLE, connection(**changed), "")
    assert refused.value.code == code
    assert "11111111" not in str(refused.value)


def test_keys_hold_from_their_beginning_to_their_end_excluded() -> None:
    keys = sender_keys(EXAMPLE, options_of(EXAMPLE, Options), connection())
    old, new = keys["hall-01", "2026a"], keys["hall-01", "2027a"]
    first, last = datetime(2026, 12, 31, 16, tzinfo=UTC), datetime(2027, 1, 14, 16, tzinfo=UTC)
    tick = timedelta(seconds=1)
    assert [(old.is_valid(now), new.is_valid(now)) for now in (first - tick, first, last - tick, last)] == [
        (True, False),
        (True, True),
        (True, True),
        (False, True),
    ]


@pytest.mark.parametrize(
    "options",
    [
        {"senders": []},
        {"senders": [{"id": "a1", "name": "x", "keys": []}]},
        {"senders": [{"id": "a1", "name": "x", "keys": [{"id": "k", "algorithm": "md5", "secret": "s"}]}]},
        {"senders": [{"id": "a1", "name": "x", "keys": [{"id": "k", "algorithm": "sm2", "secret": "s"}] * 2}]},
        {"senders": [{"id": "a1", "name": "x", "keys": [{"id": "k", "algorithm": "sm2", "secret": "s"}]}] * 2},
    ],
)
def test_options_that_would_let_the_wrong_one_in_are_refused(options: dict[str, Any]) -> None:
    source = EXAMPLE.model_copy(update={"options": options})
    with pytest.raises(Misconfigured, match=r"connector\.option_invalid"):
        connectors.build(source, connection(), "")


@pytest.mark.parametrize("sources", [{}, {"off": EXAMPLE.model_copy(update={"enabled": False})}])
def test_a_service_without_a_source_says_so(sources: dict[str, SourceFile], tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"inbox\.no_source"):
        open_doors(load({}, home=tmp_path), sources)


def test_a_bucket_fills_over_time_and_never_above_its_rim() -> None:
    now = 0.0
    bucket = Bucket(2, 3, lambda: now)
    for _ in range(3):
        bucket.take()
    with pytest.raises(Transient) as refused:
        bucket.take()
    assert refused.value.retry_after == pytest.approx(0.5)
    now = 0.5
    bucket.take()
    now = 1000.0
    for _ in range(3):
        bucket.take()
    with pytest.raises(Transient):
        bucket.take()


def test_room_is_given_back() -> None:
    room = Room(requests=2, size=100)
    with room.held(60):
        with pytest.raises(Transient, match=r"inbox\.busy"), room.held(41):
            pass
        with room.held(40), pytest.raises(Transient, match=r"inbox\.busy"), room.held(0):
            pass
    with room.held(100):
        pass


class Work:
    """Notes its groups; the first one waits until it is let go."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.began, self.go = threading.Event(), threading.Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.groups.append(list(items))
        self.began.set()
        self.go.wait(30)
        if -1 in items:
            raise Transient("store.busy")
        return [item * 2 for item in items]


def test_what_waits_is_worked_on_together_and_nothing_is_left_at_the_end() -> None:
    work = Work()
    gathering = Gathering[int, int]("test", work)
    gathering.start()
    first = gathering.put(0)
    work.began.wait(30)
    futures = [gathering.put(number) for number in range(1, LARGEST + 50)]
    assert futures[0].cancel()
    work.go.set()
    gathering.close()
    assert first.result() == 0
    assert [future.result() for future in futures[1:]] == [number * 2 for number in range(2, LARGEST + 50)]
    assert [len(group) for group in work.groups] == [1, LARGEST, 48]
    with pytest.raises(Transient, match=r"inbox\.stopping"):
        gathering.put(1)


def test_a_group_that_fails_fails_as_a_whole_and_the_next_one_goes_on() -> None:
    work = Work()
    work.go.set()
    gathering = Gathering[int, int]("test", work)
    gathering.start()
    with pytest.raises(GatewayError):
        gathering.put(-1).result(30)
    assert gathering.put(4).result(30) == 8
    gathering.close()
