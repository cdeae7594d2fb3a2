"""SOAP sources: any service with a list operation."""

from __future__ import annotations

from connectors import options_of
from connectors.soap_list import SoapList
from connectors.soap_options import SoapOptions as Options
from gateway.connector import Connector
from gateway.settings import Connection
from schemas.source import SourceFile

__all__ = ["Options", "build"]


def build(source: SourceFile, connection: Connection, allowed_hosts: str) -> Connector:
    return SoapList(options_of(source, Options), connection, allowed_hosts)
