"""From settings to a context: the one place that puts the parts of a deployment together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from gateway import mapping, settings
from gateway.connector import Connector
from gateway.crypto.data_keys import PURPOSES, DataKeys, new_data_key
from gateway.crypto.keys import KeyFolder
from gateway.crypto.vault import Vault
from gateway.stages.context import Clock, Context, system_clock
from gateway.store import Store, keys, ledger, migrate, open_store, utc_naive
from schemas.source import SourceFile

EXTRA_HOSTS = ""


def initialise(config: settings.Settings) -> str:
    """Make or bring up to date what a deployment needs: tables, key folder, data keys. The schema's revision.

    May be repeated; what is there stays. Raises ``Misconfigured``, ``Transient``.
    """
    revision = migrate(config.database)
    folder = KeyFolder(config.key_folder)
    folder.new()
    store = open_store(config.database)
    try:
        _make_data_keys(store, folder, system_clock())
    finally:
        store.close()
    return revision


def build(config: settings.Settings, clock: Clock = system_clock) -> Context:
    """The context of a deployment; ``Context.store.close()`` ends it.

    Raises ``Misconfigured`` when something is missing (the sentence says which command makes it), ``Transient`` when
    the database can't be reached.
    """
    store = open_store(config.database)
    folder = KeyFolder(config.key_folder)
    with store.read() as transaction:
        stored = keys.stored_keys(transaction)
    return Context(
        settings=config,
        store=store,
        vault=Vault(DataKeys(folder.kek, stored)),
        keys=folder,
        sources={source.source: source for source in mapping.load_sources(config.mappings_dir)},
        clock=clock,
        build_connector=lambda source: _connector(config, source),
        load_masters=lambda: mapping.load_masters(config.mappings_dir),
    )
