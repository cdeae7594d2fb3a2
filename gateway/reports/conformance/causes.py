"""Problems by cause (问题归因): how many records, at which fields, with a few masked samples; and unmapped values."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import orjson

from gateway.crypto.vault import Vault
from gateway.domain import mask
from gateway.domain.problem import PROBLEMS, Severity
from gateway.mapping.outcome import Problem
from gateway.mapping.spec import Profile
from gateway.messages import catalogue, text
from gateway.reports.conformance.coverage import LACKING, MOST_VALUES, OTHERS
from gateway.reports.conformance.document import Cause, FieldCount, Sample
from gateway.reports.conformance.lateness import share
from gateway.reports.conformance.shown import shown
from gateway.store import Transaction, conformance, quarantine
from gateway.store.conformance import ReasonCount, Window

SAMPLES = 5
UNMAPPED = ("source.unmapped", "code.unknown", "satisfaction.unknown")


def severities(profile: Profile) -> dict[str, Severity]:
    """The catalogue's severities under the source's profile; a code outside it (a platform's) is an error."""
    known: dict[str, Severity] = {code: kind.severity for code, kind in PROBLEMS.items()}
    return known | dict.fromkeys(profile.raise_, "E") | dict.fromkeys(profile.lower, "W")


class Causes:
    """Everything that the quarantine and the ledger's warnings say of one period."""

    def __init__(self, transaction: Transaction, vault: Vault, window: Window, profile: Profile, landed: int) -> None:
        self._transaction, self._vault, self._window, self._landed = transaction, vault, window, landed
        self._severities = severities(profile)
        self._reasons = conformance.reasons(transaction, window)
        self._refused = conformance.refused_by_code(transaction, window)

    def missing(self) -> dict[str, int]:
        """Quarantined records that lack an attribute, by attribute."""
        lacking = Counter[str]()
        for reason in self._reasons:
            if reason.code in LACKING:
                lacking[reason.field] += reason.records
        return dict(lacking)

    def problems(self) -> list[Cause]:
        """What keeps records in quarantine, the most frequent first."""
        samples = self._samples()
        fields = _by_code(self._reasons)
        causes = [
            self._cause(code, records, fields[code], samples.get(code, []))
            for code, records in self._refused.items()
            if self._severity(code) != "W"
        ]
        return _ordered(causes)

    def warnings(self) -> list[Cause]:
        """What passed with a mark, counted over the ledger; the field isn't kept there."""
        counts = Counter[str]()
        for listed, records in conformance.warning_sets(self._transaction, self._window):
            for code in set(orjson.loads(listed)):
                counts[code] += records
        return _ordered(self._cause(code, records, [], self._warned(code)) for code, records in counts.items())

    def unmapped(self) -> dict[str, Counter[str]]:
        """By attribute: values outside its list or map, masked, with the number of records."""
        values: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for page, index, sealed in conformance.refused_details(self._transaction, self._window, UNMAPPED):
            for problem in self._opened(page, index, sealed):
                if problem.code in UNMAPPED:
                    seen = values[problem.field]
                    value = shown(problem.field, problem.value) or OTHERS
                    seen[value if value in seen or len(seen) < MOST_VALUES else OTHERS] += 1
        return values

    def _cause(self, code: str, records: int, fields: list[FieldCount], samples: list[Sample]) -> Cause:
        return Cause(
            code=code,
            severity=self._severity(code),
            **_words(code),
            records=records,
            share=share(records, self._landed),
            fields=fields,
            samples=samples,
        )

    def _severity(self, code: str) -> Severity:
        return self._severities.get(code, "E")

    def _samples(self) -> Mapping[str, list[Sample]]:
        found: defaultdict[str, list[Sample]] = defaultdict(list)
        places = conformance.sample_places(self._transaction, self._window, SAMPLES)
        origins = conformance.origins(self._transaction, {place.page_id for place in places})
        for place in places:
            sealed = quarantine.detail(self._transaction, place.page_id, place.page_index)
            problems = self._opened(place.page_id, place.page_index, sealed) if sealed else []
            for problem in problems[place.ordinal : place.ordinal + 1]:
                found[place.code].append(_sample(place.page_id, place.page_index, origins, problem))
        return found

    def _warned(self, code: str) -> list[Sample]:
        places = conformance.warned_places(self._transaction, self._window, code, SAMPLES)
        origins = conformance.origins(self._transaction, {page for page, _ in places})
        return [_sample(page, index, origins) for page, index in places]

    def _opened(self, page: str, index: int, sealed: bytes) -> list[Problem]:
        plain = self._vault.open(quarantine.DETAIL, quarantine.detail_row(page, index), sealed)
        return quarantine.parse_detail(plain)


def _sample(page: str, index: int, origins: Mapping[str, str], problem: Problem | None = None) -> Sample:
    return Sample(
        record=quarantine.detail_row(page, index),
        origin=mask.text(origins.get(page, "")),
        number=index + 1,
        field=problem.field if problem else "",
        path=problem.source_path if problem else "",
        value=shown(problem.field, problem.value) if problem else None,
    )


def _words(code: str) -> dict[str, str]:
    known = code if f"cause.{code}" in catalogue("zh") else "platform"
    return {
        "title": text(f"cause.{known}", "zh", answer=code),
        "title_en": text(f"cause.{known}", "en", answer=code),
        "remedy": text(f"remedy.{known}", "zh"),
        "remedy_en": text(f"remedy.{known}", "en"),
    }


def _by_code(reasons: Iterable[ReasonCount]) -> Mapping[str, list[FieldCount]]:
    fields: defaultdict[str, list[FieldCount]] = defaultdict(list)
    for reason in sorted(reasons, key=lambda reason: (-reason.records, reason.field)):
        fields[reason.code].append(FieldCount(field=reason.field, path=reason.source_path, records=reason.records))
    return fields


def _ordered(causes: Iterable[Cause]) -> list[Cause]:
    return sorted(causes, key=lambda cause: (-cause.records, cause.code))
