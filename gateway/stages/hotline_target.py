"""What dispatch and track need of their surroundings: the parts of the context, and the 12345 platform opened once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from gateway.crypto.vault import Vault
from gateway.domain.moments import stored
from gateway.hotline.calls import Hotline
from gateway.hotline.profile import load_profile
from gateway.settings import Settings
from gateway.store import Store

PROFILE = "hotline.yaml"


class OrderContext(Protocol):
    """The part of the stages' context that work orders need; ``clock`` gives aware moments."""

    @property
    def settings(self) -> Settings: ...
    @property
    def store(self) -> Store: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def clock(self) -> Callable[[], datetime]: ...


def now(context: OrderContext) -> datetime:
    """This moment as columns hold it."""
    return stored(context.clock())


def open_hotline(context: OrderContext) -> Hotline:
    """The deployment's 12345, read from ``targets/hotline.yaml`` and its connection: once a run, not once a call.

    Raises ``Misconfigured``: the profile, the connection, the WSDL or the allow-list.
    """
    settings = context.settings
    profile = load_profile(settings.targets_dir / PROFILE)
    connection = settings.connection(profile.connection)
    return Hotline(profile, connection, settings.allowed_hosts, settings.targets_dir)
