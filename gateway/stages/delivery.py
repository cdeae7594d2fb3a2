"""What every part of the push stage works with: one target, one worker, one connection to the platform."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from gateway.crypto.envelope import SealedBatch, SealRequest, SenderKeys, seal_batch
from gateway.crypto.suites import SUITES
from gateway.domain import backoff
from gateway.national.platform import Platform
from gateway.national.target import TargetFile, load_target
from gateway.profiles.listing import list_batch
from gateway.profiles.profile import Profile
from gateway.stages.context import Context
from gateway.stages.heart import Heart
from gateway.stages.transport import open_transport, profile_of


@dataclass(frozen=True)
class Delivery:
    """One run towards one target. ``profile`` is none where the native envelope goes, by wire or by ferry."""

    context: Context
    target: TargetFile
    client: Platform
    worker: str
    profile: Profile | None = None

    def now(self) -> datetime:
        return self.context.clock()

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.context.settings.lease_seconds)

    @property
    def deadline(self) -> timedelta:
        """How long one send may take in all; a heartbeat keeps the lease meanwhile."""
        return timedelta(seconds=self.context.settings.send_seconds)

    @property
    def numbered(self) -> bool:
        """Whether the platform keeps our batches' sequence, so that its holes are ours to close."""
        return self.target.numbered

    @cached_property
    def heart(self) -> Heart:
        return Heart(self.context.store, self.context.clock, self.lease)

    @cached_property
    def sender_keys(self) -> SenderKeys:
        """Our signature key and the receiver's key for the suite, read once a run.

        Raises ``Misconfigured``: ``crypto.key_missing``, ``crypto.key_ambiguous`` (name one in the target file).
        """
        keys, suite = self.context.keys, SUITES[self.target.suite]
        recipient = keys.wrapper(self.target.recipient_key, suite.key_wrap)
        return SenderKeys(keys.signer_for(suite.signature_algorithm), recipient)

    def takes(self, kind: str) -> bool:
        """Whether records of ``kind`` are sent to this target at all."""
        return self.profile is None or self.profile.takes(kind)

    def seal(self, request: SealRequest, records: list[bytes]) -> SealedBatch:
        """The batch's bytes: the native envelope, or a listing where records go one by one."""
        if self.profile is not None:
            return list_batch(request, records, self.profile.profile)
        return seal_batch(request, records, self.sender_keys)

    def later(self, failures: int, floor_seconds: float | None = None) -> datetime:
        """When to try again after ``failures`` failures."""
        base = self.context.settings.retry_base_seconds
        return self.now() + backoff.delay(failures, base, random.random(), floor_seconds)  # noqa: S311


@contextmanager
def open_delivery(context: Context, target_id: str) -> Iterator[Delivery]:
    """Raises ``Misconfigured``: ``target.unknown``, ``target.invalid``, ``profile.unknown``, ``profile.invalid``,
    ``config.connection_missing``."""
    settings = context.settings
    target = load_target(settings.targets_dir, target_id)
    profile = profile_of(settings, target)
    if profile is not None:
        unsaid = {"batch_records": profile.batch_records, "accepts": profile.accepts}
        target = target.model_copy(update={name: unsaid[name] for name in unsaid.keys() - target.model_fields_set})
    with open_transport(context, target, profile, settings.send_seconds) as client:
        delivery = Delivery(context, target, client, f"{socket.gethostname()}:{os.getpid()}"[:64], profile)
        try:
            yield delivery
        finally:
            delivery.heart.stop()
