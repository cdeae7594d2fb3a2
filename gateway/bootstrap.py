"""From settings to a context: the one place that puts the parts of a deployment together."""

from __future__ import annotations

from importlib import import_module

from gateway.connector import Connector
from gateway.crypto import libcrypto
from gateway.crypto.data_keys import PURPOSES, DataKeys, WrappedKey, new_data_key
from gateway.crypto.key_store import KeyStore
from gateway.crypto.keys import KeyFolder
from gateway.crypto.vault import Vault
from gateway.errors import Misconfigured
from gateway.mapping import load_masters, survey
from gateway.settings import Settings, load
from gateway.stages.context import Clock, Context, system_clock
from gateway.store import Store, ledger, migrate, open_store, published, utc_naive
from gateway.store.clock import DatabaseClock
from gateway.store.keys import add_keys, stored_keys
from schemas import code_lists
from schemas.source import SourceFile

NATIONAL = "national"  # whose indicators count


def initialise(settings: Settings | None = None) -> str:
    """Make what a deployment needs, or bring it up to date: tables, key folder, data keys. The schema's revision.

    May be repeated; what is there stays. Raises ``Transient``, ``Misconfigured``: also when the database holds data but
    the key that opens it is lost, which a backup must bring back.
    """
    settings = settings or load()
    revision = migrate(settings.database)
    folder = key_folder(settings)
    store = open_store(settings.database)
    try:
        with store.read() as transaction:
            stored = stored_keys(transaction)
        if stored:
            DataKeys(folder.kek, stored)  # a new one would never open what the lost one sealed
        folder.new()
        _data_keys(store, folder)
    finally:
        store.close()
    return revision


def open_context(settings: Settings | None = None, clock: Clock | None = None) -> Context:
    """The context of a deployment; closing its store ends it. Connectors load when a source is pulled.

    ``clock``: by default the database's, so that all workers go by one.

    Raises ``Misconfigured`` when something is missing (its sentence names the command that makes it), ``Transient``
    when the database can't be reached.
    """
    settings = settings or load()
    store = open_store(settings.database)
    clock = clock or DatabaseClock(store)
    folder = key_folder(settings, clock)
    try:
        vault = _vault(store, folder)
        _put_indicators_in_force(store, clock)
    except BaseException:
        store.close()
        raise
    sources, broken = survey(settings.mappings_dir)
    return Context(
        settings=settings,
        store=store,
        vault=vault,
        keys=folder,
        sources={source.source: source for source in sources},
        broken_sources=broken,
        clock=clock,
        build_connector=lambda source: _connector(settings, source),
        load_masters=lambda: load_masters(settings.mappings_dir),
    )


def key_folder(settings: Settings, clock: Clock = system_clock) -> KeyFolder:
    """The keys of the deployment: files, or the HSM (密码机) that ``GW_KEY_STORE`` names.

    Raises ``Misconfigured('config.key_store_invalid')``, and what that store raises when it is opened.
    """
    libcrypto.choose(settings.libcrypto)
    passphrase = settings.passphrase if settings.key_passphrase else None
    return KeyFolder(settings.key_folder, passphrase, _key_store(settings), clock)


def _key_store(settings: Settings) -> KeyStore | None:
    if not settings.key_store:
        return None
    module, _, function = settings.key_store.partition(":")
    try:
        open_key_store = getattr(import_module(module), function)
    except (ImportError, AttributeError) as missing:
        raise Misconfigured("config.key_store_invalid", store=settings.key_store) from missing
    opened: KeyStore = open_key_store(settings)
    return opened


def _put_indicators_in_force(store: Store, clock: Clock) -> None:
    """The process judges by the national platform's dictionary that a person applied, or by the shipped one."""
    with store.read() as transaction:
        applied = published.applied(transaction, NATIONAL, published.INDICATORS, clock())
    code_lists.put_in_force([document.body for document in applied])


def _vault(store: Store, folder: KeyFolder) -> Vault:
    """The vault with the keys as stored; it looks again when it meets a key that is newer than itself."""

    def load_keys() -> DataKeys:
        rows = _data_keys(store, folder)
        return DataKeys(folder.kek_for(rows[-1].kek_id), rows)

    return Vault(load_keys(), load_keys)


def _data_keys(store: Store, folder: KeyFolder) -> list[WrappedKey]:
    """The stored data keys; made under the ledger's lock when there are none, so that two first starts agree."""
    with store.read() as transaction:
        stored = stored_keys(transaction)
    if stored:
        return stored
    with store.begin() as transaction:
        ledger.lock(transaction)
        stored = stored_keys(transaction)
        if not stored:
            now = utc_naive(system_clock())
            stored = [new_data_key(folder.kek, purpose, now) for purpose in PURPOSES]
            add_keys(transaction, stored)
    return stored


def _connector(settings: Settings, source: SourceFile) -> Connector:
    from connectors import build

    return build(source, settings.connection(source.connection), settings.allowed_hosts)
