"""Recall, precision and false alarms of the detectors: ``python -m bench.integrity [records] [seeds] [first seed]``.

Each seed makes one honest ledger, one with every pattern planted in a department of its own at 1 % of the records,
and one with the patterns spread thinly over all departments. Seeds up to 100 are for setting thresholds; what the docs
tell is measured on later ones. Ledgers are written to SQLite as intake would leave them, personal data sealed, and
judged by the very stage that ``gw integrity check`` runs. What is counted are (source, department) groups: found and
planted, found and not planted, planted and not found.
"""

from __future__ import annotations

import gc
import resource
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from bench.integrity_patterns import plant, spread
from bench.integrity_set import DAYS, PAGE, SOURCES, START, Record, Set, Town, clean, honest_figures
from gateway.bootstrap import initialise, open_context
from gateway.crypto.digest import sm3
from gateway.domain.integrity import Finding, load_thresholds
from gateway.domain.moments import day_bounds
from gateway.domain.wire import Cells, cells
from gateway.reports.integrity import findings_for
from gateway.settings import Settings
from gateway.stages import integrity as stage
from gateway.stages.context import Context
from gateway.store import Transaction, bulk, integrity
from gateway.store.ledger import AS_BYTES, COLUMNS, PERSONAL, personal_row
from schemas.source import SourceFile

LOCAL = timedelta(hours=8)
RECEIVED = datetime(2026, 12, 5)  # noqa: DTZ001 - columns hold UTC without zone
CHUNK = 5000
ROOT = Path(__file__).resolve().parents[1]
AREA = "110101000000"
Groups = set[tuple[str, str | None]]
Plant = Callable[[Town, Set, int], None]
SINCE, UNTIL = day_bounds(START)[0], day_bounds(START + timedelta(days=DAYS - 1))[1]


def context_at(folder: Path) -> Context:
    """A deployment on SQLite below ``folder`` with the synthetic sources."""
    settings = Settings(home=ROOT, var=folder, database_url=f"sqlite:///{folder}/gateway.db", keys_dir=folder / "keys")
    initialise(settings)
    sources = {
        name: SourceFile(
            source=name, name=name, connector="rest", connection=name, owner="-", region="110000000000", mapping={}
        )
        for name in SOURCES
    }
    return replace(open_context(settings), sources=sources)


def write(context: Context, made: Set) -> None:
    """Put the set into the ledger as pulls would have; tells ``made.planted`` which negatives the re-pulls lost."""
    rows: list[bulk.Row] = []
    again: list[bulk.Row] = []
    position = 0
    pages: Counter[str] = Counter()
    versions: Counter[str] = Counter()
    lost: Groups = set()
    with context.store.begin() as transaction:
        for record in made.records:
            versions[record.key] += 1
            index = pages[record.source]
            pages[record.source] += record.version_of is None
            page, at = divmod(index, PAGE)
            place = (record.source, page)
            if record.version_of is None:
                rows.append(_service(context, record, position + 1, place, at))
                position += 1
            position += 1
            rows.append(_evaluation(context, record, position, versions[record.key], place, at))
            came = place in made.again or (place in made.overlap and at >= PAGE * 4 // 5)
            if record.version_of is None and came:
                if place in made.lost and record.satisfaction <= 2 and 0 < at < PAGE - 1:
                    if SINCE <= _aware(record.assess) < UNTIL:
                        lost.add((record.source, record.dept))
                else:
                    again.append((f"again-{record.source}-{page}", at, record.source, RECEIVED, record.key, position))
            if len(rows) >= CHUNK:
                _flush(transaction, rows, again)
        for number, (source, dept) in enumerate(made.unrated):
            position += 1
            rows.append(_unrated(source, dept, number, position))
        _flush(transaction, rows, again)
        integrity.add_figures(transaction, made.figures, datetime.now(UTC))
    if lost:
        made.planted["missing_negative"] |= lost


def _flush(transaction: Transaction, rows: list[bulk.Row], again: list[bulk.Row]) -> None:
    bulk.insert(transaction, "ledger_record", COLUMNS, rows, AS_BYTES)
    columns = ("page_id", "page_index", "source_id", "received_at", "record_key", "first_position")
    bulk.insert(transaction, "duplicate", columns, again)
    rows.clear()
    again.clear()


def _row(place: tuple[Any, ...], judged: tuple[Any, ...], event: datetime, body: tuple[Any, ...]) -> bulk.Row:
    service_stage = None
    return (*place, *judged, service_stage, event - LOCAL, RECEIVED, *body)


def _service(context: Context, record: Record, position: int, page: tuple[str, int], at: int) -> bulk.Row:
    key = record.key.rpartition("#")[0]
    times = {"accept_date": record.accept, "apply_date": record.create, "result_date": record.result}
    content = {name: _wire(moment) for name, moment in times.items() if moment is not None}
    held = cells("service", content, {"cert_key_gov": record.mark, "user_name": "某某"})
    place = (position, "service", key, 1, None, record.source, f"{page[0]}-{page[1]}", at, AREA, record.dept, None)
    return _row(place, (None, None, None), record.service, _body(context, "service", key, 1, held))


def _evaluation(
    context: Context, record: Record, position: int, version: int, page: tuple[str, int], at: int
) -> bulk.Row:
    content = {"operation": "I", "is_default": "1" if record.origin == "default" else "0"}
    personal = {"writing_evaluation": record.text, "cert_key": record.mark if record.login else ""}
    held = cells("evaluation", content | {"indicators": record.indicators}, personal)
    parent = record.key.rpartition("#")[0]
    place = (position, "evaluation", record.key, version, parent, record.source, f"{page[0]}-{page[1]}", at)
    judged = (AREA, record.dept, None, record.satisfaction, record.channel, record.origin)
    return _row(place, judged, record.assess, _body(context, "evaluation", record.key, version, held))


def _unrated(source: str, dept: str, number: int, position: int) -> bulk.Row:
    service = datetime.combine(START, datetime.min.time()) + timedelta(hours=10 + 24 * (number % DAYS))
    place = (position, "service", f"U{number:09}#1", 1, None, source, None, None, AREA, dept, None)
    return _row(place, (None, None, None), service, (sm3(b"-"), b"{}", None, '["satisfaction.unrated"]'))


def _body(context: Context, kind: str, key: str, version: int, held: Cells) -> tuple[Any, ...]:
    sealed = held.personal and context.vault.seal(PERSONAL, personal_row(kind, key, version), held.personal)
    return b"\0" * 32, held.content, sealed, None


def _wire(moment: datetime) -> str:
    return moment.isoformat(" ", "seconds")


def _aware(local: datetime) -> datetime:
    return (local - LOCAL).replace(tzinfo=UTC)


class Score:
    """Groups by detector, summed over sets."""

    def __init__(self) -> None:
        self.hit: Counter[str] = Counter()
        self.false: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.sets: defaultdict[str, int] = defaultdict(int)  # sets with at least one hit

    def add(self, found: list[Finding], made: Set) -> None:
        for detector in load_thresholds().rules:
            seen: Groups = {(one.source_id, one.dept_code) for one in found if one.detector == detector}
            true = made.planted.get(detector, set())
            self.hit[detector] += len(seen & true)
            self.false[detector] += len(seen - true - made.implied.get(detector, set()))
            self.missed[detector] += len(true - seen)
            self.sets[detector] += bool(seen & true)


def judge(made: Set) -> tuple[list[Finding], float, float]:
    """Findings of the set, and the seconds that writing and judging took."""
    with tempfile.TemporaryDirectory() as folder:
        context = context_at(Path(folder))
        started = time.perf_counter()
        write(context, made)
        written = time.perf_counter()
        stage.check(context, SINCE, UNTIL)
        judged = time.perf_counter()
        found = findings_for(context, None, SINCE, UNTIL)
        context.store.close()
    return found, written - started, judged - written


def main(size: int = 100_000, seeds: int = 10, first: int = 101) -> None:
    kinds: dict[str, tuple[Score, Plant | None]] = {
        "clean": (Score(), None),
        "planted": (Score(), plant),
        "spread": (Score(), spread),
    }
    times: list[float] = []
    for seed in range(first, first + seeds):
        for kind, (score, change) in kinds.items():
            town, made = clean(seed, size)
            if change is not None:
                change(town, made, size)
            honest_figures(made)
            found, _, judging = judge(made)
            score.add(found, made)
            times.append(judging)
            print(f"seed {seed} {kind}: {len(made.records)} evaluations, {judging:.1f} s", file=sys.stderr, flush=True)
            _tell_false(found, made)
            del town, made
            gc.collect()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    versions = f"thresholds {load_thresholds().version}, {date.today()}"  # noqa: DTZ011
    print(f"{size} evaluations a set, seeds {first} to {first + seeds - 1}, {versions}")
    print(f"check: median {sorted(times)[len(times) // 2]:.1f} s a set; peak memory with the generator {memory} MB")
    _table(kinds["clean"][0], kinds["planted"][0], kinds["spread"][0], seeds)


def _tell_false(found: list[Finding], made: Set) -> None:
    for one in found:
        true = made.planted.get(one.detector, set()) | made.implied.get(one.detector, set())
        if (one.source_id, one.dept_code) not in true:
            about = (one.detector, one.source_id, one.dept_code, one.period, one.group_size, one.affected)
            print("  false:", *about, one.observed, file=sys.stderr)


def _table(honest: Score, planted: Score, thin: Score, seeds: int) -> None:
    heads = ("detector", "planted", "found", "recall", "precision", "clean: false", "spread: sets", "spread: false")
    print("{:20}{:>9}{:>8}{:>9}{:>11}{:>14}{:>14}{:>15}".format(*heads))
    for detector in load_thresholds().rules:
        hit, missed, false = planted.hit[detector], planted.missed[detector], planted.false[detector]
        recall = f"{hit / (hit + missed):.3f}" if hit + missed else "-"
        precision = f"{hit / (hit + false):.3f}" if hit + false else "-"
        spread_in = thin.hit[detector] + thin.missed[detector]
        thinly = f"{thin.sets[detector]}/{seeds}" if spread_in else "-"
        print(
            f"{detector:20}{hit + missed:9}{hit:8}{recall:>9}{precision:>11}"
            f"{honest.false[detector]:14}{thinly:>14}{thin.false[detector]:15}"
        )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
