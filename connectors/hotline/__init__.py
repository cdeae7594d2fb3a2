"""12345 as a source: its ratings, and orders that we didn't raise, asked as its profile says (12345 热线)."""

from __future__ import annotations

from dataclasses import replace

from connectors import options_of
from connectors.bodies import JsonBody, XmlBody
from connectors.hotline.options import Options, Orders
from connectors.since import Fetched
from connectors.soap_list import SoapList, dotted
from gateway.connector import Connector
from gateway.domain.order_identity import EXTERNAL_PREFIX
from gateway.hotline.profile import HotlineProfile, load_profile
from gateway.settings import Connection, load
from schemas.source import SourceFile

__all__ = ["Options", "build"]


class Ratings(SoapList):
    """See :class:`gateway.connector.Connector`. A page is the envelope as received, or the JSON inside it."""

    def __init__(self, options: Options, profile: HotlineProfile, connection: Connection, allowed_hosts: str) -> None:
        super().__init__(options.over(profile), connection, allowed_hosts)
        self._profile = profile


class ForeignOrders(Ratings):
    """A page is a list of the orders that are not ours, each as received."""

    def ask(self, since: str, page: int) -> Fetched:
        got = super().ask(since, page)
        foreign = [order for order in got.records if not self._is_ours(order)]
        if self._profile.codec == "json":
            body = b"[" + b",".join(foreign) + b"]"
        else:
            body = b"<orders>" + b"".join(foreign) + b"</orders>"
        return replace(got, body=body, landed=len(foreign))

    def _is_ours(self, order: bytes) -> bool:
        kind = JsonBody if self._profile.codec == "json" else XmlBody
        external_id = kind.moment(order, dotted(self._profile.order_paths.external_id))
        return str(external_id or "").startswith(f"{EXTERNAL_PREFIX}-")


def build(source: SourceFile, connection: Connection, allowed_hosts: str) -> Connector:
    """See :func:`connectors.build`. Raises ``Misconfigured('hotline.profile_invalid')``, too."""
    options = options_of(source, Options)
    profile = load_profile(load().targets_dir / f"{options.profile}.yaml")
    made = ForeignOrders if isinstance(options.take, Orders) else Ratings
    return made(options, profile, connection, allowed_hosts)
