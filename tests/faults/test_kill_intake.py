"""Replay, correction, lateness and parent-first, each killed (SIGKILL) before a statement or a commit of its own.

The work is done once in peace, on a copy of the same database, and its statements and commits are counted. Then, on a
fresh copy each, a process kills itself before one of them; the work is begun again, and the end must be the same.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from gateway.bootstrap import open_context
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.replay import replay
from tests.conftest import PostgresqlServer
from tests.integration.store.portal_data import SOURCE, Clock, context_of, page, record, settings_of
from tests.integration.trail.lone import LONE, land, lone, lone_source, with_source
from tests.integration.trail.test_trail_intake import NUMBERED, QUERIES, UNBALANCED

KILLS = {"sqlite": 10, "postgresql": 4}
EVERY_STEP = bool(os.environ.get("KILL_EVERY_STEP"))  # by hand: not a sample
fork = multiprocessing.get_context("fork")
Work = Callable[[Context], object]


def repaired(context: Context) -> Context:
    """The mapping knows 九 now."""
    source = context.source(SOURCE)
    table = dict(source.mapping["evaluation"]["satisfaction"])
    levels = {str(level): str(level) for level in range(1, 6)} | {"九": "1"}
    changed = {**source.mapping["evaluation"], "satisfaction": {"path": table["path"], "map": levels}}
    return with_source(context, source.model_copy(update={"mapping": {**source.mapping, "evaluation": changed}}))


def refused_records(context: Context) -> None:
    land(context, page([*(record(n, "九", text="等候太久") for n in range(5)), record(5), record(6, "八")]))
    normalise(context)


def replayed(context: Context) -> None:
    replay(repaired(context), dry_run=False, actor="li", reason="the mapping knows it now")


def first_versions(context: Context) -> None:
    land(context, page([*(record(n, "5") for n in range(4)), record(4, "九")]))
    normalise(context)


def corrected(context: Context) -> None:
    """Two rise or fall, one says the same again, one refused record comes right, one conflicts."""
    again = [record(n, "1", correction=True) for n in range(2)] + [record(2, "5"), record(3, "2")]
    land(context, page([*again, record(4, "2", correction=True)], "page=2", '{"n":2}'))
    normalise(context)


def third_revisions(context: Context) -> None:
    land(context, page([record(n, None) for n in range(4)], "c"))
    land(context, page([lone(n, "2", rev=3) for n in range(4)], "e"), source=LONE)
    normalise(context)


def late_ones(context: Context) -> None:
    """Older and newer revisions, out of order; one skips a number."""
    late = [lone(0, "5", rev=1), lone(1, "4", rev=2), lone(2, "1", rev=6), lone(2, "3", rev=5), lone(3, "1", rev=4)]
    land(context, page(late, "l", '"l"'), source=LONE)
    normalise(context)


def children(context: Context) -> None:
    early = [lone(n, str(1 + n % 5), rev=1) for n in range(5)]
    land(context, page([*early, lone(8, at="2026-11-19 08:00:00", rev=1)], "e"), source=LONE)
    normalise(context)


def parents(context: Context) -> None:
    """Cases for all but one; one shows that its evaluation can't be."""
    land(context, page([record(n, None) for n in (0, 1, 2, 3, 8)], "c"))
    normalise(context)


SCENES: dict[str, tuple[Work, Work]] = {
    "replay": (refused_records, replayed),
    "correction": (first_versions, corrected),
    "lateness": (third_revisions, late_ones),
    "parent first": (children, parents),
}


class Places:
    """Copies of one prepared database."""

    def __init__(self, folder: Path, server: PostgresqlServer | None) -> None:
        self._folder, self._server, self._copies = folder, server, 0
        self.url = server.create() if server else f"sqlite:///{folder / 'first.db'}"

    def copy(self) -> str:
        self._copies += 1
        if self._server:
            return self._server.create(template=self.url.rpartition("/")[2].partition("?")[0])
        file = self._folder / f"{self._copies}.db"
        shutil.copyfile(self._folder / "first.db", file)
        return f"sqlite:///{file}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Places:
    kind = request.param
    server = request.getfixturevalue("postgresql_server") if kind == "postgresql" else None
    return Places(tmp_path, server)


def prepared(context: Context) -> Context:
    return with_source(context, lone_source(**NUMBERED))


def run(url: str, folder: Path, work: Work, before: Callable[[], None]) -> None:
    """``work`` on the database at ``url``; ``before`` is called before each of its statements and commits."""
    context = prepared(open_context(settings_of(url, folder, chunk=3), Clock()))

    def step(*_: Any) -> None:
        before()

    for name in ("before_cursor_execute", "commit"):
        event.listen(Engine, name, step)
    try:
        work(context)
    finally:
        for name in ("before_cursor_execute", "commit"):
            event.remove(Engine, name, step)
        context.store.close()


def killed_before(number: int, url: str, folder: Path, work: Work) -> int:
    """The exit code of a process that kills itself before its step ``number``, from 1."""
    left = [number]

    def count() -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    process = fork.Process(target=run, args=(url, folder, work, count))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def ended(url: str, folder: Path) -> dict[str, Any]:
    context = open_context(settings_of(url, folder), Clock())
    with context.store.read() as transaction:
        assert transaction.execute(text(UNBALANCED)).scalar() == 0
        found = {about: [tuple(row) for row in transaction.execute(text(asked))] for about, asked in QUERIES.items()}
    context.store.close()
    return found


@pytest.mark.kill
@pytest.mark.parametrize("scene", sorted(SCENES))
def test_killed_before_a_step_and_begun_again_ends_as_in_peace(places: Places, tmp_path: Path, scene: str) -> None:
    before, work = SCENES[scene]
    folder = tmp_path / "var"
    context = prepared(context_of(places.url, folder, chunk=3))
    before(context)
    context.store.close()

    calm, steps = places.copy(), [0]

    def count() -> None:
        steps[0] += 1

    started = ended(calm, folder)
    run(calm, folder, work, count)
    expected = ended(calm, folder)
    assert expected != started
    kills = steps[0] if EVERY_STEP else KILLS["sqlite" if places.url.startswith("sqlite") else "postgresql"]
    for turn in range(kills):
        at = 1 + (2 * turn + 1) * steps[0] // (2 * kills)
        url = places.copy()
        assert killed_before(at, url, folder, work) == -signal.SIGKILL
        run(url, folder, work, lambda: None)
        assert ended(url, folder) == expected, f"killed before step {at} of {steps[0]}"
