"""The crash points of what a person starts: backfill, repair, archive, purge, and the way back from a backup.

Each is killed at its points and begun again, in the town that a round has brought to rest; afterwards it must stand as
if nobody had been killed.
"""

from __future__ import annotations

import io
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.forked import KILLED, gw
from tests.faults.rounds import AFTER_ALL_JUMPS, Round

DAY = 86_400.0
WHY = ("--reason", "演练")
FIRST, SECOND = "wang", "li"  # two people
SOURCE = "portal_guangan"
TAKEN_BACK = ("I2 one body", "sequence", "leaving is noted")  # what an older database can't know


class Backup:
    """The town's database as it stood: :meth:`make` it, and come :meth:`back` to it."""

    def __init__(self, round_: Round) -> None:
        self._town = round_.town
        self._file = self._town.var / "backup.db"

    def make(self) -> None:
        self._town.store.engine.dispose()
        if self._town.store.dialect == "sqlite":
            with closing(sqlite3.connect(self._database)) as there, closing(sqlite3.connect(self._file)) as copy:
                there.backup(copy)
        else:
            self._as_template("backup", "postgres")

    def back(self) -> None:
        self._town.store.engine.dispose()
        if self._town.store.dialect == "sqlite":
            for old in self._town.var.glob("gateway.db-*"):
                old.unlink()
            shutil.copyfile(self._file, self._database)
        else:
            self._as_template("postgres", "backup")

    @property
    def _database(self) -> Path:
        return self._town.var / "gateway.db"

    def _as_template(self, name: str, template: str) -> None:
        with psycopg.connect(self._town.url.rpartition("/")[0] + "/template1", autocommit=True) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")


class Person:
    """Whoever types the commands; what they are killed in is begun again."""

    def __init__(self, round_: Round, name: str = FIRST) -> None:
        self._round, self._town, self._name = round_, round_.town, name

    def dies_at(self, point: str, *command: str, shift: float = AFTER_ALL_JUMPS, answer: str = "") -> None:
        died = self._typed(point, command, shift, answer) == KILLED
        self._round.tally.kills[point] += died
        if not died:
            self._round.note(point, {"never reached": command[0]})

    def does(self, *command: str, shift: float = AFTER_ALL_JUMPS, codes: tuple[int, ...] = (0,)) -> None:
        code = self._typed("", command, shift)
        if code not in codes:
            self._round.note(" ".join(command[:2]), {"ended with": code})

    def _typed(self, point: str, command: tuple[str, ...], shift: float, answer: str = "") -> int:
        self._town.more["LOGNAME"] = self._name
        return gw(self._town, *command, crash_at=point, shift=shift, breaking=partial(_answering, answer))


def _answering(answer: str) -> None:
    """What is asked for on standard input."""
    sys.stdin = io.StringIO(f"{answer}\n")


def backfilled(round_: Round, calm: dict[str, Any]) -> None:
    """The same day pulled anew, killed twice on the way: it brings nothing but repeats."""
    person, (day,) = Person(round_), round_.town.rows("SELECT MIN(business_date) FROM batch")[0]
    asked = ("pull", SOURCE, "--from", day, "--to", day)
    person.dies_at("backfill.laid", *asked)
    person.dies_at("backfill.finished", *asked)
    person.does(*asked)
    round_.until_quiet()
    round_.judge("after a backfill", calm)


def lost_there(round_: Round, calm: dict[str, Any]) -> None:
    """The platform has lost everything: the same bytes go again, killed twice on the way, and two people sign."""
    person, town = Person(round_), round_.town
    days = [day for (day,) in town.rows("SELECT DISTINCT business_date FROM batch ORDER BY 1")]
    town.sandbox.desks["national"].post("/sandbox/reset")
    for day in days:
        person.does("reconcile", "--date", day, codes=(0, 3))
    resend = ("reconcile", "repair", days[0], "--act", "resend", "--yes", *WHY)
    person.dies_at("resend.leaving", *resend)
    person.dies_at("resend.answered", *resend, shift=AFTER_ALL_JUMPS + 10)
    for day in days:
        person.does("reconcile", "repair", day, "--act", "resend", "--yes", *WHY, shift=AFTER_ALL_JUMPS + 20)
    round_.judge("after all was lost there and sent again", calm, but=("leaving is noted",))
    _one_is_lost(round_, days[0])


def _one_is_lost(round_: Round, day: str) -> None:
    """A single record: accepted by one, signed by two, killed in the middle of both."""
    person, other, town = Person(round_), Person(round_, SECOND), round_.town
    key = town.rows("SELECT record_key FROM ledger_record WHERE position = 1")[0][0]
    with closing(sqlite3.connect(town.sandbox.folder / "national" / "platform.db")) as books, books:
        books.execute("DELETE FROM held WHERE key = ?", [key])
    person.does("reconcile", "--date", day, codes=(0, 3))
    accept = ("reconcile", "repair", day, "--act", "accept", "--yes", *WHY)
    person.dies_at("reconcile.repaired", *accept)
    person.does(*accept)
    person.does("reconcile", "sign", day, *WHY)
    other.dies_at("reconcile.signed", "reconcile", "sign", day, *WHY)
    other.does("reconcile", "sign", day, *WHY)
    if disputed := town.rows("SELECT batch_id FROM batch WHERE state = 'DISPUTED'"):
        round_.note("after two names", {"still disputed": disputed})


def archived(round_: Round) -> None:
    """Day archives, then the end of the retention: the chain holds, and no byte goes that is not in it."""
    person, town = Person(round_), round_.town
    person.dies_at("person.indexed", "person", "find", "phone", *WHY, answer="13800000000")
    for point in ("evidence.written", "evidence.sealed", "evidence.noted"):
        person.dies_at(point, "evidence", "build", shift=2 * DAY)
    person.does("evidence", "build", shift=100 * DAY)
    person.does("evidence", "verify")
    purge = ("evidence", "purge", "--yes", *WHY)
    person.dies_at("purge.gone", *purge, shift=100 * DAY)
    person.dies_at("purge.purged", *purge, shift=100 * DAY)
    person.does(*purge, shift=100 * DAY)
    person.does("evidence", "build", shift=102 * DAY)
    person.does("evidence", "verify")
    left = "SELECT state, COUNT(*) FROM batch WHERE state <> 'PURGED' GROUP BY 1"
    if found := town.rows(left) + town.rows("SELECT batch_id FROM batch_body"):
        round_.note("after the purge", {"not purged": found})


def restored(round_: Round, calm: dict[str, Any], back: Callable[[], None]) -> None:
    """Our database is older than the platform: found out, killed twice on the way back, and nothing counts twice."""
    person, town = Person(round_), round_.town
    back()
    round_.drop_again()
    recover = ("reconcile", "recover", "--yes", *WHY)
    person.dies_at("recover.cancelled", *recover)
    person.dies_at("recover.passed", *recover)
    person.does(*recover, codes=(0, 3))
    round_.until_quiet()
    for (day,) in town.rows("SELECT DISTINCT business_date FROM batch ORDER BY 1"):
        person.does("reconcile", "--date", day, codes=(0, 3))
        person.does("reconcile", "repair", day, "--act", "accept", "--proven", "--yes", *WHY, codes=(0, 4))
    round_.judge("after a restored backup", calm, but=TAKEN_BACK)
