"""The facts of one source and period, every one from the same read transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, timedelta

from gateway.crypto.vault import Vault
from gateway.domain.moments import day_bounds
from gateway.mapping.spec import MappingSpec
from gateway.reports.conformance import document as doc
from gateway.reports.conformance.causes import Causes
from gateway.reports.conformance.coverage import KINDS, Coverage
from gateway.reports.conformance.lateness import Lateness, share
from gateway.store import Transaction, conformance, figures, utc_aware, utc_naive
from gateway.store.conformance import LedgerRow, LevelCount, RegionCount, Window
from gateway.store.ledger import PERSONAL, personal_row
from gateway.store.quarantine import OPEN, RELEASED
from schemas import code_lists
from schemas.masters import Region

COUNTED = ("active", "agent_recorded")  # list evaluation_origin, counts_in_rates
DEFAULT = "default"
POSITIVE = ("3", "4", "5")
LEVELS = ("5", "4", "3", "2", "1")


def period(first: date, last: date) -> doc.Period:
    return doc.Period(first=first, last=last, days=(last - first).days + 1)


def period_before(now: doc.Period) -> doc.Period:
    """The period of the same length that ends the day before."""
    return period(now.first - timedelta(days=now.days), now.first - timedelta(days=1))


def gather(
    transaction: Transaction,
    vault: Vault,
    source_id: str,
    spec: MappingSpec,
    version: str,
    asked: doc.Period,
    limits: doc.Limits,
    regions: Mapping[str, Region],
) -> doc.Facts:
    """All facts. ``version``: of the mapping as it stands. Memory doesn't grow with the number of records."""
    since, until = utc_naive(day_bounds(asked.first)[0]), utc_naive(day_bounds(asked.last)[1])
    window = Window(source_id, since, until)
    intake = _intake(transaction, window)
    causes = Causes(transaction, vault, window, spec.profile, intake.landed)
    coverage = Coverage(lambda row: _opened(vault, row))
    lateness = {kind: Lateness(since, limits.timely_seconds) for kind in KINDS}
    for row in conformance.ledger_rows(transaction, window):
        coverage.add(row)
        lateness["service" if row.kind == "service" else "evaluation"].add(row.event_at, row.received_at)
    channels = _channels(conformance.levels(transaction, window))
    return doc.Facts(
        period=asked,
        mapping=[
            doc.MappingUse(version=used, pages=pages, current=used == version)
            for used, pages in conformance.page_versions(transaction, window)
        ],
        intake=intake,
        ratings=_ratings(channels, conformance.levels(transaction, window, only_ineffective=True)),
        coverage=list(coverage.fields(spec, causes.missing())),
        codes=list(coverage.code_uses(spec, causes.unmapped())),
        channels=channels,
        regions=_regions(conformance.region_levels(transaction, window), regions),
        timeliness=[lateness[kind].summary(kind) for kind in KINDS],
        problems=causes.problems(),
        warnings=causes.warnings(),
        delivery=doc.Delivery(**conformance.delivery(transaction, window)._asdict()),
    )


def _opened(vault: Vault, row: LedgerRow) -> bytes:
    return vault.open(PERSONAL, personal_row(row.kind, row.record_key, row.version), bytes(row.personal or b""))


def _intake(transaction: Transaction, window: Window) -> doc.Intake:
    counted = figures.source_counts(transaction, utc_aware(window.since), utc_aware(window.until), window.source_id)
    counts = counted[0] if counted else figures.SourceCounts(window.source_id, *[0] * 8)
    states = conformance.refused_by_state(transaction, window)
    given_back = conformance.refused_by_platform(transaction, window)
    stated = conformance.declared(transaction, window)
    services, evaluations = (conformance.versions(transaction, window)[kind] for kind in KINDS)
    return doc.Intake(
        pages=counts.pages,
        pending_pages=counts.pending_pages,
        undecodable_pages=counts.undecodable_pages,
        declared_pages=stated.pages,
        declared_differing=stated.differing,
        landed=counts.landed,
        stored=counts.stored,
        quarantined=counts.quarantined,
        duplicate=counts.duplicate,
        unrated=counts.unrated,
        stored_rows=conformance.stored_source_records(transaction, window),
        quarantined_rows=states.get(OPEN, 0) - given_back,
        duplicate_rows=conformance.duplicates(transaction, window),
        released=states.get(RELEASED, 0),
        refused_by_platform=given_back,
        services=services[1],
        evaluations=evaluations[1],
        superseded=services[0] - services[1] + evaluations[0] - evaluations[1],
    )


def _channels(counts: list[LevelCount]) -> list[doc.ChannelLevels]:
    rated: defaultdict[str, Counter[str]] = defaultdict(Counter)
    default, unknown = Counter[str](), Counter[str]()
    for count in counts:
        channel = count.channel or ""
        if count.origin in COUNTED:
            rated[channel][str(count.satisfaction)] += count.records
        else:
            (default if count.origin == DEFAULT else unknown)[channel] += count.records
    names = code_lists.items("channel")
    return [
        doc.ChannelLevels(
            channel=channel,
            name=names.get(channel, (channel, channel))[0],
            name_en=names.get(channel, (channel, channel))[1],
            rated={level: rated[channel][level] for level in LEVELS},
            default=default[channel],
            unknown_origin=unknown[channel],
            total=rated[channel].total() + default[channel] + unknown[channel],
        )
        for channel in sorted({*rated, *default, *unknown})
    ]


def _regions(counts: list[RegionCount], known: Mapping[str, Region]) -> list[doc.RegionRatings]:
    """Codes without digits last."""
    places: defaultdict[str | None, Counter[str]] = defaultdict(Counter)
    for count in counts:
        if count.origin in COUNTED:
            kind = "positive" if str(count.satisfaction) in POSITIVE else "negative"
        else:
            kind = DEFAULT if count.origin == DEFAULT else "unknown"
        places[count.area_code][kind] += count.records
    return [
        doc.RegionRatings(
            area_code=area,
            name=known[area].name if area is not None and area in known else "",
            active=found["positive"] + found["negative"],
            positive=found["positive"],
            negative=found["negative"],
            positive_rate=share(found["positive"], found["positive"] + found["negative"]),
            default=found[DEFAULT],
            unknown_origin=found["unknown"],
        )
        for area, found in sorted(places.items(), key=lambda place: place[0] or "~")
    ]


def _ratings(channels: list[doc.ChannelLevels], ineffective: list[LevelCount]) -> doc.Ratings:
    levels = Counter[str]()
    for line in channels:
        levels.update(line.rated)
    positive = sum(levels[level] for level in POSITIVE)
    marked = [count for count in ineffective if count.origin in COUNTED]
    out = sum(count.records for count in marked)
    positive_out = sum(count.records for count in marked if str(count.satisfaction) in POSITIVE)
    return doc.Ratings(
        active=levels.total(),
        default=sum(line.default for line in channels),
        unknown_origin=sum(line.unknown_origin for line in channels),
        positive=positive,
        negative=levels.total() - positive,
        positive_rate=share(positive, levels.total()),
        not_effective=out,
        effective_rate=share(positive - positive_out, levels.total() - out),
    )
