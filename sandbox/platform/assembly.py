"""One platform put together from its settings."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.platform.clients import Gatekeeper, load_clients
from sandbox.platform.crash import CrashPoints
from sandbox.platform.faults import Faults
from sandbox.platform.intake import Intake
from sandbox.platform.judge import Judge
from sandbox.platform.ledger import Ledger
from sandbox.platform.oracle import Oracle
from sandbox.platform.own_keys import OwnKeys
from sandbox.platform.queries import Queries
from sandbox.platform.record_rules import RecordRules, read_codes
from sandbox.platform.sender_keys import SenderKeys
from sandbox.platform.settings import PlatformSettings
from sandbox.platform.times import Clock
from sandbox.platform.voids import Voids


@dataclass(frozen=True, slots=True)
class Platform:
    """The parts that the HTTP faces call. The oracle reads over a connection of its own: only what is committed."""

    settings: PlatformSettings
    clock: Clock
    crash: CrashPoints
    faults: Faults
    ledger: Ledger
    own_keys: OwnKeys
    gatekeeper: Gatekeeper
    intake: Intake
    voids: Voids
    queries: Queries
    oracle: Oracle

    def close(self) -> None:
        self.ledger.rollback()
        self.ledger.close()
        self.oracle.close()


def assemble(settings: PlatformSettings, own_keys: OwnKeys | None = None, crash: CrashPoints | None = None) -> Platform:
    """Open or make the folder, and finish what a former process left unfinished.

    ``own_keys``: those of the folder, where whoever runs many platforms has read them; ``crash``: how it dies.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    database = settings.folder / "platform.db"
    clock, crash = Clock(), crash or CrashPoints()
    faults = Faults(crash)
    ledger = Ledger(database)
    if own_keys is None:
        own_keys = OwnKeys(settings.keys_folder)
        own_keys.export(settings.public_folder)
    sender_keys = SenderKeys(settings.sender_keys)
    clients = load_clients(settings.clients_file, settings.paasid, settings.token, settings.senders)
    rules = RecordRules(read_codes(settings.regions, "code"), read_codes(settings.items, "task_code"))
    intake = Intake(
        settings.recipient,
        settings.limits,
        ledger,
        own_keys,
        sender_keys,
        Judge(ledger, rules),
        clock,
        faults,
        crash,
    )
    intake.recover()
    return Platform(
        settings=settings,
        clock=clock,
        crash=crash,
        faults=faults,
        ledger=ledger,
        own_keys=own_keys,
        gatekeeper=Gatekeeper(clients, ledger, clock),
        intake=intake,
        voids=Voids(ledger, sender_keys, clock),
        queries=Queries(ledger, own_keys),
        oracle=Oracle(settings.folder, Ledger(database)),
    )
