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
from gateway.stages.transport import open_transport, profile_of

SEND_SHARE = 0.75  # of the lease: the deadline of a call ends before the lease does, so that no heartbeat is needed


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
    target = load_target(context.settings.targets_dir, target_id)
    profile = profile_of(context.settings, target)
    if profile is not None and "batch_records" not in target.model_fields_set:
        target = target.model_copy(update={"batch_records": profile.batch_records})
    seconds = context.settings.lease_seconds * SEND_SHARE
    with open_transport(context, target, profile, seconds) as client:
        yield Delivery(context, target, client, f"{socket.gethostname()}:{os.getpid()}"[:64], profile)
