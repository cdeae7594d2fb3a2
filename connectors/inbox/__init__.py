"""Sources that push (推送接收): nothing is pulled from them; ``gw serve`` lands what they send."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connectors import options_of
from connectors.inbox.keys import SenderKey, sender_keys
from connectors.inbox.options import Options
from gateway.connector import Connector, Finding, Page
from gateway.settings import Connection
from schemas.source import SourceFile

__all__ = ["Options", "build"]


class InboxConnector:
    """See :class:`gateway.connector.Connector`. It has no pages: a pull finds nothing and changes nothing."""

    def __init__(self, options: Options, keys: dict[tuple[str, str], SenderKey]) -> None:
        self._options = options
        self._keys = keys

    def check(self) -> list[Finding]:
        return [
            Finding(True, "keys", f"{sender}/{key}: {held.key.algorithm}") for (sender, key), held in self._keys.items()
        ]

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        return iter(())

    def landed(self, page: Page) -> None:
        """Nothing stands at the source that could be told."""

    def unfinished(self) -> list[str]:
        return []

    def close(self) -> None:
        """Nothing is open."""


def build(source: SourceFile, connection: Connection, allowed_hosts: str) -> Connector:
    """See :func:`connectors.build`. Raises ``Misconfigured``: ``inbox.key_missing``, ``inbox.key_unusable``."""
    options = options_of(source, Options)
    return InboxConnector(options, sender_keys(source, options, connection))
