"""The whole stream of one source: good, unrated, wrong and repeated records in the order of sending, with the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import cycle
from random import Random

from sandbox.generator.events import Draw
from sandbox.generator.mistakes import Mistake, mistakes_of
from sandbox.generator.model import SOURCE_IDS, SOURCES, Event, Json
from sandbox.generator.render import RENDERERS
from sandbox.generator.wire import evaluation_data, service_data, service_key
from sandbox.items import Item

SHARES = {"portal": 0.4, "app": 0.3, "kiosk": 0.2, "hotline": 0.1}
WRONG_SHARE = 0.05
REPEAT_SHARE = 0.01
FOLLOW_UP_SHARE = 0.01
FOLLOWED = ("portal", "app")


@dataclass(frozen=True, slots=True)
class Sent:
    """One raw record as its source sends it, and its line of the truth file."""

    order: tuple[datetime, str, int]
    record: Json
    truth: Json


def share_out(records: int) -> dict[str, int]:
    """How many records each source sends; together exactly ``records``."""
    counts = {source: round(records * SHARES[source]) for source in SOURCES}
    counts["portal"] += records - sum(counts.values())
    return counts


def stream(source: str, count: int, seed: int, base: datetime, items: list[Item]) -> list[Sent]:
    """``count`` records of ``source`` in the order of sending."""
    random = Random(f"{seed}/{source}")
    draw = Draw(source, random, items, base, count)
    sent = [piece for _, piece in zip(range(count), _pieces(draw, random), strict=False)]
    return sorted(sent, key=lambda piece: piece.order)


def _pieces(draw: Draw, random: Random) -> Iterator[Sent]:
    mistakes = cycle(random.sample(kinds := mistakes_of(draw.source), len(kinds)))
    while True:
        if random.random() < WRONG_SHARE:
            yield _wrong(draw, next(mistakes), random)
            continue
        for event in draw.case():
            first = _right(event)
            yield first
            chance = random.random()
            if chance < REPEAT_SHARE:
                yield _repeat(event, first, draw, random)
            elif chance < REPEAT_SHARE + FOLLOW_UP_SHARE and draw.source in FOLLOWED:
                second = draw.follow_up(event)
                if second is not None:
                    yield _right(second)


def _right(event: Event) -> Sent:
    verdict = "good" if event.opinion else "unrated"
    truth = _truth(event, verdict, (), service_key(event), service_data(event), evaluation_data(event))
    return Sent((event.sent_at, event.upstream_id, 0), RENDERERS[event.source](event), truth)


def _wrong(draw: Draw, mistake: Mistake, random: Random) -> Sent:
    event = next(draw.case(services=1))
    while not mistake.fits(event):
        event = next(draw.case(services=1))
    truth = _truth(event, "wrong", mistake.codes, None, {}, None)
    return Sent((event.sent_at, event.upstream_id, 0), mistake.plant(event, random), truth)


def _repeat(event: Event, first: Sent, draw: Draw, random: Random) -> Sent:
    """The same again: byte for byte, or under a new upstream id somewhat later."""
    if random.random() < 0.5:
        truth = {**first.truth, "verdict": "duplicate"}
        return Sent((*first.order[:2], 1), first.record, truth)
    later = min(event.sent_at + timedelta(minutes=random.randint(1, 240)), draw.base)
    again = replace(event, upstream_id=draw.next_id(), sent_at=later)
    truth = {**first.truth, "verdict": "duplicate", "upstream_id": again.upstream_id}
    record = RENDERERS[event.source](again)
    return Sent((later, again.upstream_id, 0), record, truth)


def _truth(
    event: Event, verdict: str, codes: tuple[str, ...], key: str | None, service: Json, evaluation: Json | None
) -> Json:
    return {
        "source": SOURCE_IDS[event.source],
        "upstream_id": event.upstream_id,
        "verdict": verdict,
        "codes": list(codes),
        "key": key,
        "service": service,
        "evaluation": evaluation,
    }
