"""The 12345 platform that dispatch and track talk to, as the deployment sets it up."""

from __future__ import annotations

from datetime import datetime

from gateway.hotline.calls import Hotline
from gateway.hotline.profile import load_profile
from gateway.stages.context import Context
from gateway.store import utc_naive

PROFILE = "hotline.yaml"


def now(context: Context) -> datetime:
    """This moment as columns hold it."""
    return utc_naive(context.clock())


def open_hotline(context: Context) -> Hotline:
    """The deployment's 12345, read from ``targets/hotline.yaml`` and its connection: once a run, not once a call.

    Raises ``Misconfigured``: the profile, the connection, the WSDL or the allow-list.
    """
    settings = context.settings
    profile = load_profile(settings.targets_dir / PROFILE)
    connection = settings.connection(profile.connection)
    return Hotline(profile, connection, settings.allowed_hosts, settings.targets_dir)
