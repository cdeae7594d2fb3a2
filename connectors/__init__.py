"""The kinds of sources (连接器种类): a folder each, found by its manifest.

A kind's package offers ``build(source, connection, allowed_hosts) -> Connector`` and ``Options``, the model of its
``options:`` block in a source file; how a site adds one of its own stands in :mod:`connectors.catalogue`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from connectors import catalogue
from gateway.connector import Connector, Finding, Page
from gateway.errors import GatewayError, Misconfigured
from gateway.mapping.written import complaint
from gateway.settings import Connection
from schemas.source import SourceFile

O = TypeVar("O", bound=BaseModel)  # noqa: E741


def kinds() -> list[str]:
    """Names of all kinds: the folders that hold a manifest."""
    return sorted(catalogue.folders())


def build(source: SourceFile, connection: Connection, allowed_hosts: str) -> Connector:
    """The connector of ``source``; connects to nothing yet.

    Raises ``Misconfigured``: ``connector.unknown_kind``, ``connector.option_invalid``, and the kind's own.
    """
    return catalogue.find(source, options_of).build(source, connection, allowed_hosts)


def validate(source: SourceFile) -> None:
    """The offline half of ``gw source check``: kind and options. Raises like :func:`build`."""
    options_of(source, catalogue.find(source, options_of).options)


def check(
    source: SourceFile, connection: Connection, allowed_hosts: str, tell: Callable[[GatewayError], str] = str
) -> list[Finding]:
    """Both halves: options, then a look at the live source that changes nothing. Never raises ``GatewayError``.

    ``tell`` puts an error into words.
    """
    try:
        connector = build(source, connection, allowed_hosts)
    except GatewayError as wrong:
        return [Finding(False, "options", tell(wrong))]
    try:
        return [Finding(True, "options", source.connector), *connector.check()]
    except GatewayError as wrong:
        return [Finding(True, "options", source.connector), Finding(False, "connect", tell(wrong))]
    finally:
        connector.close()


def first_page(source: SourceFile, connection: Connection, allowed_hosts: str) -> Page | None:
    """``gw source try``: the first page from the source's start, landed nowhere; ``None`` when it has nothing."""
    connector = build(source, connection, allowed_hosts)
    try:
        return next(iter(connector.pages(None, lambda _: False)), None)
    finally:
        connector.close()


def options_of(source: SourceFile, model: type[O]) -> O:
    """``source.options`` as ``model``, or ``Misconfigured('connector.option_invalid')``: file, line, key, expected."""
    try:
        return model.model_validate(source.options)
    except ValidationError as invalid:
        keys, expected = complaint(model, invalid)
        file, line = source.where("options", *keys)
        raise Misconfigured(
            "connector.option_invalid",
            source=source.source,
            file=file,
            line=line,
            key=".".join(("options", *keys)),
            expected=expected,
        ) from invalid
