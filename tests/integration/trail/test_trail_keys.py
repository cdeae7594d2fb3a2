"""Keys are changed while everything stays readable, and the old ones go only when nothing needs them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway.bootstrap import open_context
from gateway.crypto.data_keys import CELLS, DESTROYED, RETIRING
from gateway.crypto.keys import KEK, NEXT_KEK
from gateway.crypto.vault import sealed_with
from gateway.errors import Misconfigured, Rejected
from gateway.stages.context import Context
from gateway.stages.explain import explain
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.stages.rotate import backfill, data_keys, destroy, rewrap_all, rotate
from gateway.store import audit, cells, target_calls
from gateway.store.tables import ledger_record, raw_page, work_order
from tests.integration.store.portal_data import (
    SOURCE,
    Clock,
    Served,
    context_of,
    page,
    record,
    serve,
    settings_of,
)
from tests.integration.trail.killing import kill_often

COLUMNS = tuple(cell.column for cell in cells.CELLS)


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Any:
    made = context_of(store_url, tmp_path / "var")
    fill(made, 3)
    yield made
    made.store.close()


def fill(context: Context, pages: int, first: int = 0) -> None:
    """Cells in every column that the vault seals."""
    served = [
        page([record(10 * n + i, str(1 + i % 5)) for i in range(6)] + [record(10 * n + 9, "九")], f"p{n}", f'"{n}"')
        for n in range(first, first + pages)
    ]
    serve(context, Served(served))
    pull(context, SOURCE)
    normalise(context)
    with context.store.begin() as transaction:
        for order_id in transaction.scalars(select(work_order.c.order_id).where(work_order.c.reply.is_(None))).all():
            reply = context.vault.seal(cells.REPLY, order_id, b"{}")
            transaction.execute(update(work_order).where(work_order.c.order_id == order_id).values(reply=reply))
        for number in range(first, first + pages):
            place, now = ("ab" * 16, number), context.clock()
            request = context.vault.seal(target_calls.REQUEST, target_calls.call_row(*place), b"request")
            target_calls.begin(transaction, *place, (request, "", ""), now)
            answer = context.vault.seal(target_calls.ANSWER, target_calls.call_row(*place), b"answer")
            target_calls.note(transaction, *place, now, state=target_calls.DONE, answer=answer)


def named(context: Context) -> dict[str, int]:
    """How many cells name each key."""
    counted: dict[str, int] = {}
    with context.store.read() as transaction:
        for column in COLUMNS:
            for cell in transaction.scalars(select(column).where(column.is_not(None))):
                counted[sealed_with(cell)] = counted.get(sealed_with(cell), 0) + 1
    return counted


def opens(context: Context) -> int:
    """Every cell opens with the keys as they stand; how many there are."""
    opened = 0
    with context.store.read() as transaction:
        for cell in cells.CELLS:
            for row in transaction.execute(select(cell.table).where(cell.column.is_not(None))):
                context.vault.open(cell.purpose, cell.row_id(row), bytes(getattr(row, cell.column.name)))
                opened += 1
    return opened


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(Rejected) as caught:
        act()
    return caught.value.code


def test_a_new_data_key_seals_at_once_and_old_cells_follow(context: Context) -> None:
    old, before = context.vault.active_key, opens(context)
    assert set(named(context)) == {old}
    new = rotate(context, "li", "yearly")
    fill(context, 1, first=7)
    assert set(named(context)) == {old, new}
    assert opens(context) > before
    report = backfill(context)
    assert report.key_id == new
    assert min(report.cells.values()) > 0
    assert set(named(context)) == {new}
    opens(context)
    assert explain(context, "GA20261119000001#1").versions


def test_an_old_key_is_destroyed_only_when_no_cell_names_it(context: Context) -> None:
    clock: Any = context.clock
    old = context.vault.active_key
    assert refused(lambda: destroy(context, old, "li", "r")) == "keys.in_use"
    rotate(context, "li", "yearly")
    assert refused(lambda: destroy(context, old, "li", "r")) == "keys.too_young"
    clock.now += timedelta(hours=25)
    assert refused(lambda: destroy(context, old, "li", "r")) == "keys.still_named"
    backfill(context, most=1)
    assert refused(lambda: destroy(context, old, "li", "r")) == "keys.still_named"
    assert refused(lambda: rotate(context, "li", "again")) == "keys.backfill_first"
    backfill(context)
    destroy(context, old, "li", "no cell names it")
    states = {row.key_id: row.state for row in data_keys(context) if row.purpose == CELLS}
    assert states == {old: DESTROYED, context.vault.active_key: "active"}
    assert opens(context) > 0
    assert refused(lambda: destroy(context, old, "li", "r")) == "keys.in_use"
    with context.store.read() as transaction:
        acts = [(act.act, act.object_id) for act in audit.recent(transaction)]
    assert ("keys.destroy", old) in acts


def test_a_cell_written_late_under_the_old_key_holds_it_back(context: Context) -> None:
    late = context.vault.seal(cells.RAW_PAGE, "x", b"")
    old = context.vault.active_key
    rotate(context, "li", "yearly")
    backfill(context)
    with context.store.begin() as transaction:
        page_id = transaction.scalar(select(raw_page.c.page_id).limit(1))
        transaction.execute(update(raw_page).where(raw_page.c.page_id == page_id).values(body=late))
    clock: Any = context.clock
    clock.now += timedelta(hours=25)
    assert refused(lambda: destroy(context, old, "li", "r")) == "keys.still_named"


def test_a_process_that_began_before_reads_what_came_after(context: Context, store_url: str, tmp_path: Path) -> None:
    before = open_context(settings_of(store_url, tmp_path / "var"), Clock())
    rotate(context, "li", "yearly")
    backfill(context)
    assert opens(before) == opens(context)
    before.store.close()


def test_a_new_kek_touches_no_cell(context: Context, store_url: str, tmp_path: Path) -> None:
    with context.store.read() as transaction:
        before = transaction.scalars(select(ledger_record.c.personal)).all()
    old_kek = context.keys.kek.kek_id
    new_kek = rewrap_all(context, "li", "yearly")
    assert {row.kek_id for row in data_keys(context)} == {new_kek} != {old_kek}
    with context.store.read() as transaction:
        assert transaction.scalars(select(ledger_record.c.personal)).all() == before
    anew = open_context(settings_of(store_url, tmp_path / "var"), Clock())
    assert opens(anew) == opens(context)
    anew.store.close()
    folder = context.keys.path
    assert sorted(path.name for path in folder.glob("kek*")) == [f"kek-{old_kek}.retired.key", KEK]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.glob("kek*"))


def test_a_change_of_kek_cut_short_is_ended_by_the_next(
    context: Context, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context.keys, "succeed_kek", lambda: None)
    new = rewrap_all(context, "li", "killed here")
    assert (context.keys.path / NEXT_KEK).exists()
    anew = open_context(settings_of(store_url, tmp_path / "var"), Clock())
    assert opens(anew) > 0, "the rows name the successor, whose file is there"
    assert rewrap_all(anew, "li", "again") == new
    assert not (context.keys.path / NEXT_KEK).exists()
    assert opens(anew) > 0
    anew.store.close()


def test_without_the_old_key_its_cells_stay_shut(context: Context) -> None:
    old = context.vault.active_key
    rotate(context, "li", "yearly")
    with context.store.begin() as transaction:
        from gateway.store import keys

        keys.destroyed(transaction, old, DESTROYED)
    context.vault.renew()
    with pytest.raises(Misconfigured, match=r"crypto\.data_key_missing"):
        opens(context)


def rotation(ready: Callable[[], object], url: str, folder: Path) -> None:
    """Rotate once, fill in, change the KEK: the work of a process that is killed."""
    context = open_context(settings_of(url, folder), Clock())
    object.__setattr__(context, "clock", Clock())
    ready()
    if not any(row.state == RETIRING for row in data_keys(context)):
        rotate(context, "li", "kill")
    backfill(context)
    rewrap_all(context, "li", "kill")
    context.store.close()


@pytest.mark.kill
def test_killed_at_random_moments_no_cell_is_lost(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "CELLS", tuple(cell._replace(chunk=3) for cell in cells.CELLS))
    context = context_of(store_url, tmp_path / "var")
    fill(context, 8)
    count, old = opens(context), context.vault.active_key
    context.store.close()
    cut_short = kill_often(0.25, 12, rotation, store_url, tmp_path / "var")
    assert cut_short > 0
    context = open_context(settings_of(store_url, tmp_path / "var"), Clock())
    assert opens(context) == count
    assert old not in named(context)
    assert {row.kek_id for row in data_keys(context)} == {context.keys.kek.kek_id}
    context.store.close()
