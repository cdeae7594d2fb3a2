"""Which transport (传输方式) a target is reached by: the native calls, files carried by ferry, or a profile's codec."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

from gateway.national.client import LARGEST_ANSWER, PlatformClient
from gateway.national.platform import Platform
from gateway.national.target import TargetFile
from gateway.net.http import HttpClient, Timeouts, Tls
from gateway.profiles.client import ProfileClient
from gateway.profiles.codec import Codec, Wire
from gateway.profiles.ferry import FerryClient
from gateway.profiles.fields import Sender
from gateway.profiles.form import FormCodec
from gateway.profiles.header import HeaderCodec
from gateway.profiles.profile import FOLDER, Profile, load_profile
from gateway.profiles.soap import SoapCodec
from gateway.profiles.txn import TxnCodec
from gateway.settings import Settings
from gateway.stages.call_book import StoredBook
from gateway.stages.context import Context

NATIVE, FERRY = "native", "ferry"
CODECS: dict[str, Callable[[Wire], Codec]] = {
    "form": FormCodec,
    "txn": TxnCodec,
    "soap": SoapCodec,
    "header": HeaderCodec,
}


def profile_of(settings: Settings, target: TargetFile) -> Profile | None:
    """The target's profile; none where the native envelope goes. Raises as :func:`load_profile`."""
    if target.profile in (NATIVE, FERRY):
        return None
    return load_profile(settings.targets_dir / FOLDER, target.profile)


def open_transport(
    context: Context, target: TargetFile, profile: Profile | None, seconds: float
) -> AbstractContextManager[Platform]:
    """``seconds``: the total deadline of a call. Raises ``Misconfigured('config.connection_missing')``."""
    settings = context.settings
    connection = settings.connection(target.connection)
    if target.profile == FERRY:
        return FerryClient(connection, target.connection, context.clock)
    if profile is None:
        return PlatformClient(connection, settings.allowed_hosts, settings.sender, context.clock, seconds)
    http = HttpClient(
        connection.url,
        settings.allowed_hosts,
        timeouts=Timeouts(connect=min(5.0, seconds), read=seconds, total=seconds),
        max_bytes=LARGEST_ANSWER,
        tls=Tls.of(connection),
    )
    wire = Wire(profile, http, connection, target.connection, settings.sender, context.clock)
    codec = CODECS[profile.codec](wire)
    book = StoredBook(context, target.target, timedelta(seconds=settings.lease_seconds))
    return ProfileClient(profile, codec, http, book, Sender(settings.sender[:2], context.masters.successors))
