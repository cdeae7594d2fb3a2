"""What every stage is given: the deployment's settings, its store, its keys, its clock and its sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from gateway import mapping
from gateway.connector import Connector
from gateway.crypto.keys import KeyFolder
from gateway.crypto.vault import Vault
from gateway.errors import Misconfigured
from gateway.national.target import Targets, survey_targets
from gateway.settings import Settings
from gateway.store import Store
from schemas.source import SourceFile

Clock = Callable[[], datetime]
BuildConnector = Callable[[SourceFile], Connector]
LoadMasters = Callable[[], mapping.Masters]


def system_clock() -> datetime:
    """Now, aware."""
    return datetime.now(UTC)


def no_connector(source: SourceFile) -> Connector:
    raise Misconfigured("connector.unknown", source=source.source, connector=source.connector)


@dataclass(frozen=True)
class Context:
    """Built by :mod:`gateway.bootstrap`; a test builds its own. Masters and mappings load on first use."""

    settings: Settings
    store: Store
    vault: Vault
    keys: KeyFolder
    sources: Mapping[str, SourceFile] = field(default_factory=dict)
    clock: Clock = system_clock
    build_connector: BuildConnector = no_connector
    load_masters: LoadMasters = mapping.Masters
    broken_sources: Sequence[mapping.BrokenSource] = ()  # files that can't be used; the others go on
    _mappings: dict[str, mapping.Mapping] = field(default_factory=dict, repr=False)

    @cached_property
    def masters(self) -> mapping.Masters:
        """Regions, organisations, items and shared code tables."""
        return self.load_masters()

    @cached_property
    def targets(self) -> Targets:
        """Whoever receives batches, as configured."""
        return survey_targets(self.settings.targets_dir)

    def source(self, source_id: str) -> SourceFile:
        """The source's file; ``Misconfigured('source.unknown')``, or what is wrong with its file."""
        found = self.sources.get(source_id)
        if found is None:
            for broken in self.broken_sources:
                if broken.source == source_id:
                    raise broken.error
            raise Misconfigured("source.unknown", source=source_id, known=", ".join(sorted(self.sources)))
        return found

    def mapping(self, source_id: str) -> mapping.Mapping:
        """The source's mapping, compiled on first use. Raises ``Misconfigured``."""
        compiled = self._mappings.get(source_id)
        if compiled is None:
            compiled = self._mappings[source_id] = mapping.compile_mapping(self.source(source_id), self.masters)
        return compiled
