"""Against the generator's own list: every source record ended where it belongs, with the right values, exactly once."""

from __future__ import annotations

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

import pytest

from gateway.domain.wire import members
from gateway.stages.context import Context
from gateway.stages.mapped_page import opened
from gateway.store import pages, quarantine
from gateway.store.ledger import PERSONAL, personal_row
from tests.conftest import PostgresqlServer
from tests.deployment import Deployment, deployment

RECORDS = 1500
UPSTREAM_ID = {
    "portal_guangan": "id",
    "app_guangan": "evalId",
    "kiosk_guangan": "流水号",
    "hotline_guangan": "ratingId",
}
NEGATIVE = ("1", "2")
Place = tuple[str, int]
Truth = dict[str, Any]
CASES = [("sqlite", 7), pytest.param(("postgresql", 7), marks=pytest.mark.postgresql), ("sqlite", 20261122)]


@dataclass
class Found:
    """A deployment that has done its work. ``places``: where the records of (source, upstream id) were landed."""

    town: Deployment
    context: Context
    places: dict[tuple[str, str], list[Place]] = field(
        default_factory=lambda: defaultdict(list)
    )  # (source, id) → places
    raw: dict[Place, str] = field(default_factory=dict)

    @property
    def truth(self) -> list[Truth]:
        return self.town.sandbox.truth

    def told(self, *verdicts: str) -> list[Truth]:
        return [line for line in self.truth if line["verdict"] in verdicts]

    def places_of(self, line: Truth) -> list[Place]:
        """In the order of landing: a record may have been sent, or read, more than once."""
        return self.places[line["source"], line["upstream_id"]]

    @cached_property
    def ledger(self) -> dict[tuple[str, str], list[tuple[int, Place, dict[str, str]]]]:
        """(kind, key) → versions: position, place, wire data."""
        found = defaultdict(list)
        query = "SELECT kind, record_key, version, position, page_id, page_index, content, personal FROM ledger_record"
        for kind, key, version, position, page_id, index, content, sealed in self.town.rows(
            f"{query} ORDER BY position"
        ):
            personal = sealed and self.context.vault.open(PERSONAL, personal_row(kind, key, version), bytes(sealed))
            data = members(content, personal)
            found[kind, key].append((position, (page_id, index), data))
        return dict(found)

    @cached_property
    def quarantined(self) -> dict[Place, list[str]]:
        """Place → the codes of severity E."""
        found = {}
        for page_id, index, sealed in self.town.rows("SELECT page_id, page_index, detail FROM quarantine"):
            plain = self.context.vault.open(quarantine.DETAIL, quarantine.detail_row(page_id, index), bytes(sealed))
            found[page_id, index] = [item.code for item in quarantine.parse_detail(plain) if item.severity == "E"]
        return found

    @cached_property
    def duplicates(self) -> dict[Place, tuple[Any, ...]]:
        """Place → what it repeats: ledger key, ledger position, place of a refused record."""
        columns = "page_id, page_index, record_key, first_position, first_page_id, first_page_index"
        return {tuple(row[:2]): tuple(row[2:]) for row in self.town.rows(f"SELECT {columns} FROM duplicate")}

    @cached_property
    def expected(self) -> dict[str, dict[str, dict[str, str]]]:
        """Kind → key → wire data of all that must be held and delivered."""
        wanted: dict[str, dict[str, dict[str, str]]] = {"service": {}, "evaluation": {}}
        for line in self.told("good", "unrated"):
            wanted["service"][line["key"]] = line["service"]
            if line["evaluation"]:
                wanted["evaluation"][f"{line['key']}#{line['evaluation']['assessNumber']}"] = line["evaluation"]
        return wanted


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    """Three cycles of ``gw run``, while 12345 closes every order."""
    kind, seed = request.param
    folder = tmp_path_factory.mktemp("truth")
    if kind == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql_server")
        url = server.create()
    else:
        shutil.copyfile(request.getfixturevalue("sqlite_template"), folder / "gateway.db")
        url = f"sqlite:///{folder / 'gateway.db'}"
    with deployment(folder / "var", url, records=RECORDS, seed=seed) as town:
        first = town.gw("run")
        assert (first.code, first.errors) == (0, "")
        town.tick(12)
        town.until_quiet()
        context = town.open()
        seen = Found(town, context)
        for page_id, source_id in town.rows("SELECT page_id, source_id FROM raw_page ORDER BY page_id"):
            with town.store.read() as transaction:
                (head,) = pages.heads(transaction, [page_id])
            for index, item in enumerate(context.mapping(source_id).decode(opened(context, head), head.media_type)):
                seen.places[source_id, item[UPSTREAM_ID[source_id]]].append((page_id, index))
                seen.raw[page_id, index] = json.dumps(item, sort_keys=True, ensure_ascii=False, default=str)
        yield seen
        context.store.close()


def test_the_truth_is_worth_comparing_with(found: Found) -> None:
    counts = Counter(line["verdict"] for line in found.truth)
    assert counts.total() == RECORDS
    assert counts["wrong"] > 40
    assert counts["duplicate"] > 5
    assert counts["unrated"] > 20
    assert len({code for line in found.told("wrong") for code in line["codes"]}) > 15
    assert sum(len(places) for places in found.places.values()) >= RECORDS


def test_every_wrong_record_is_in_quarantine_once_with_exactly_its_reasons(found: Found) -> None:
    refused = {}
    for line in found.told("wrong"):
        first, *again = found.places_of(line)
        refused[first] = sorted(line["codes"])
        for place in again:
            assert found.duplicates[place] == (None, None, *first)
    assert {place: sorted(set(codes)) for place, codes in found.quarantined.items()} == refused
    assert found.town.count("SELECT COUNT(*) FROM quarantine WHERE state <> 'open'") == 0


def test_every_good_record_is_in_the_ledger_once_with_the_right_values(found: Found) -> None:
    held = {
        kind: {key: versions for (of_kind, key), versions in found.ledger.items() if of_kind == kind}
        for kind in ("service", "evaluation")
    }
    for kind, wanted in found.expected.items():
        assert {key: versions[0][2] for key, versions in held[kind].items()} == wanted
        assert all(len(versions) == 1 for versions in held[kind].values())
    for line in found.told("good"):
        key = f"{line['key']}#{line['evaluation']['assessNumber']}"
        assert held["evaluation"][key][0][1] == found.places_of(line)[0]


def test_every_duplicate_is_recognised_and_names_what_it_repeats(found: Found) -> None:
    """Sent twice, under the same upstream id or a new one; or read twice at the border of a page."""
    firsts = {found.places_of(line)[0] for line in found.told("good", "unrated", "wrong")}
    wrong = {place for line in found.told("wrong") for place in found.places_of(line)}
    everywhere = {place for places in found.places.values() for place in places}
    assert {place for place in found.duplicates if place not in wrong} == everywhere - firsts - wrong
    for line in found.told("duplicate", "good", "unrated"):
        for place in set(found.places_of(line)) - firsts:
            key, position, *refused = found.duplicates[place]
            versions = found.ledger.get(("evaluation", key)) or found.ledger["service", key]
            assert key.startswith(line["key"])
            assert position in [held for held, *_ in versions]
            assert refused == [None, None]
    assert all(found.places_of(line)[-1] in found.duplicates for line in found.told("duplicate"))


def test_the_platform_holds_each_exactly_once_with_the_right_values(found: Found) -> None:
    for kind, wanted in found.expected.items():
        effects = found.town.effects(kind)
        assert {effect["key"]: effect["data"] for effect in effects} == wanted
        assert len(effects) == len(wanted)
        assert {(effect["times"], effect["version"]) for effect in effects} == {(1, 1)}


def test_every_negative_evaluation_is_one_order_and_its_rectification_arrives_once(found: Found) -> None:
    negative = {key for key, data in found.expected["evaluation"].items() if data["satisfaction"] in NEGATIVE}
    ours = dict(found.town.rows("SELECT external_id, evaluation_key FROM work_order WHERE cycle = 1"))
    theirs = found.town.orders()
    assert negative
    assert sorted(ours.values()) == sorted(negative)
    assert set(theirs) == set(ours)
    assert {(order["created"], order["create_calls"]) for order in theirs.values()} == {(1, 1)}
    put_right = found.town.effects("rectification")
    assert {effect["times"] for effect in put_right} == {1}
    assert len(put_right) == len({effect["key"] for effect in put_right}) == len(negative)


def test_nothing_of_a_wrong_record_arrives_anywhere(found: Found) -> None:
    known = {data["projectNo"] for data in found.expected["service"].values()}
    wrong = {found.places_of(line)[0] for line in found.told("wrong")}
    assert not found.town.rows(
        "SELECT 1 FROM ledger_record l JOIN quarantine q ON q.page_id = l.page_id AND q.page_index = l.page_index"
    )
    arrived = {effect["data"]["projectNo"] for kind in found.expected for effect in found.town.effects(kind)}
    assert arrived == known
    assert len(wrong) == len(found.told("wrong"))
    for place in wrong:
        assert not [number for number in known if f'"{number}"' in found.raw[place]]


def test_landed_is_stored_and_quarantined_and_duplicate_for_every_page_and_source(found: Found) -> None:
    unbalanced = """
        SELECT page_id FROM raw_page WHERE state <> 'normalised' OR landed <> stored + quarantined + duplicate
        OR landed <> declared
        OR stored <> (SELECT COUNT(DISTINCT l.page_index) FROM ledger_record l WHERE l.page_id = raw_page.page_id)
        OR duplicate <> (SELECT COUNT(*) FROM duplicate d WHERE d.page_id = raw_page.page_id)
        OR quarantined <> (SELECT COUNT(*) FROM quarantine q WHERE q.page_id = raw_page.page_id)
    """
    assert found.town.rows(unbalanced) == []
    sums = "SUM(landed), SUM(stored), SUM(quarantined), SUM(duplicate), SUM(unrated)"
    lines = found.town.rows(f"SELECT source_id, {sums} FROM raw_page GROUP BY source_id")
    counted = {source: tuple(map(int, numbers)) for source, *numbers in lines}
    told = sorted(found.truth, key=lambda line: line["source"])
    for source, group in groupby(told, key=lambda line: line["source"]):
        verdicts = Counter(line["verdict"] for line in group)
        landed, stored, quarantined, duplicate, unrated = counted[source]
        assert stored == verdicts["good"] + verdicts["unrated"]
        assert (quarantined, unrated) == (verdicts["wrong"], verdicts["unrated"])
        again = landed - verdicts.total()  # read twice at the border of a page
        assert again >= 0
        assert duplicate == verdicts["duplicate"] + again
