"""The open doors (接收入口): every source of kind ``inbox``, its options, its senders' keys and what each may ask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors import options_of
from connectors.inbox.keys import SenderKey, sender_keys
from connectors.inbox.options import Options
from gateway.errors import Misconfigured, Rejected
from gateway.inbox.claim import Claim
from gateway.inbox.limits import Bucket
from gateway.settings import Settings
from schemas.source import SourceFile

KIND = "inbox"
SOURCE_ID = re.compile(r"[a-z][a-z0-9_]{2,62}")


@dataclass(frozen=True, slots=True)
class Door:
    """Where one source's senders push to."""

    source_id: str
    options: Options
    keys: Mapping[tuple[str, str], SenderKey]
    buckets: Mapping[str, Bucket]

    @property
    def window(self) -> timedelta:
        return timedelta(seconds=self.options.window_seconds)

    def key_for(self, claim: Claim, now: datetime) -> SenderKey:
        """The key that the claim names, if it may be used at ``now``.

        Raises ``Rejected``: ``inbox.sender_unknown``, ``inbox.key_unknown``, ``inbox.key_expired``, ``inbox.stale``.
        """
        if claim.sender not in self.buckets:
            raise Rejected("inbox.sender_unknown", source=self.source_id)
        key = self.keys.get((claim.sender, claim.key))
        if key is None:
            raise Rejected("inbox.key_unknown", sender=claim.sender)
        if not key.is_valid(now):
            raise Rejected("inbox.key_expired", sender=claim.sender, key=claim.key)
        claim.check_time(now, self.window)
        return key


def open_doors(settings: Settings, sources: Mapping[str, SourceFile]) -> dict[str, Door]:
    """The doors of all enabled sources of this kind, by source.

    Raises ``Misconfigured``: ``inbox.no_source`` when there is none, ``inbox.key_missing``, ``inbox.key_unusable``,
    ``connector.option_invalid``, ``config.connection_missing``: better at the start than at a sender's first request.
    """
    doors = {
        name: _door(settings, source) for name, source in sources.items() if source.connector == KIND and source.enabled
    }
    if not doors:
        raise Misconfigured("inbox.no_source", folder=str(settings.mappings_dir))
    return doors


def _door(settings: Settings, source: SourceFile) -> Door:
    options = options_of(source, Options)
    keys = sender_keys(source, options, settings.connection(source.connection))
    buckets = {sender.id: Bucket(sender.per_second, sender.burst) for sender in options.senders}
    return Door(source.source, options, keys, buckets)
