"""A person's records are found by blind index: all of theirs, nobody else's, and nobody looks unseen."""

from __future__ import annotations

import io
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from gateway import crash
from gateway.bootstrap import open_context
from gateway.crypto.data_keys import BLIND_INDEX, RETIRING, new_data_key
from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.stages.normalise import normalise
from gateway.stages.persons import MOST_AN_HOUR, bring_up_to_date, find
from gateway.store import audit, keys, ledger, utc_naive
from gateway.store.tables import ledger_record, person_index, person_indexed
from tests.integration.store.portal_data import Clock, context_of, page, record, settings_of
from tests.integration.trail.killing import begin, kill_often
from tests.integration.trail.lone import land

WANG, LI = "11010519491231002X", "110105190001010001"
PHONE, OTHER_PHONE = "13800000000", "13900000000"
ACTOR, WHY = "cli:tester", "本人申请查阅"


def about(number: int, certificate: str = WANG, phone: str = PHONE, **more: Any) -> dict[str, Any]:
    made = record(number, **more)
    made["applicant"] |= {"certNo": certificate, "mobile": phone}
    return made


@pytest.fixture
def context(store_url: str, tmp_path: Path) -> Any:
    made = context_of(store_url, tmp_path / "var")
    land(made, page([about(1), about(2, LI, OTHER_PHONE), about(3, WANG, OTHER_PHONE)], "a", '"a"'))
    normalise(made)
    yield made
    made.store.close()


def keys_found(context: Context, field: str, value: str) -> list[tuple[str, int]]:
    return [(one.record_key, one.version) for one in find(context, field, value, ACTOR, WHY).records]


def rows(context: Context, table: Any) -> list[tuple[Any, ...]]:
    with context.store.read() as transaction:
        return [tuple(row) for row in transaction.execute(select(table))]


def case(number: int) -> str:
    return f"GA20261119{number:06d}#1"


@pytest.mark.parametrize("written", [WANG, WANG.lower(), f" {WANG} ", "\uff11" + WANG[1:]])
def test_by_certificate_however_it_is_written(context: Context, written: str) -> None:
    assert keys_found(context, "id_no", written) == [(case(1), 1), (case(3), 1)]


@pytest.mark.parametrize("written", [PHONE, f"+86 {PHONE}", "138-0000-0000"])
def test_by_phone_however_it_is_written(context: Context, written: str) -> None:
    assert keys_found(context, "phone", written) == [(case(1), 1)]


def test_fields_do_not_mix_and_strangers_are_nobody(context: Context) -> None:
    assert keys_found(context, "phone", WANG) == keys_found(context, "cert_key", WANG) == []
    assert keys_found(context, "phone", "13700000000") == []


def test_what_comes_later_is_found_and_nothing_is_indexed_twice(context: Context) -> None:
    bring_up_to_date(context)
    before = rows(context, person_index)
    land(context, page([about(1, correction=True, text="流程清楚"), about(4)], "b", '"b"'))
    normalise(context)
    assert keys_found(context, "id_no", WANG) == [(case(1), 1), (case(3), 1), (case(4), 1)]
    assert set(rows(context, person_index)) > set(before)
    assert len(rows(context, person_index)) == len(set(rows(context, person_index))) == 8


def test_the_index_names_nobody(context: Context) -> None:
    bring_up_to_date(context)
    kept = b"|".join(value for _, value, _ in rows(context, person_index))
    assert all(said.encode() not in kept for said in (WANG, LI, PHONE, OTHER_PHONE))
    assert {len(value) for _, value, _ in rows(context, person_index)} == {16}


def test_who_looks_is_audited_and_for_whom_is_not(context: Context) -> None:
    keys_found(context, "id_no", WANG)
    with context.store.read() as transaction:
        (act,) = audit.recent(transaction)
    assert (act.actor, act.act, act.object_id, act.reason, act.outcome) == (
        ACTOR,
        "person.find",
        "id_no",
        WHY,
        "records=2",
    )


@pytest.mark.parametrize(
    ("value", "reason", "code"), [(WANG, " ", "act.reason_missing"), (" ", WHY, "person.value_missing")]
)
def test_neither_without_a_reason_nor_for_nothing(context: Context, value: str, reason: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        find(context, "id_no", value, ACTOR, reason)
    assert refused.value.code == code


def test_a_damaged_cell_stops_nobodys_search_and_is_told(context: Context) -> None:
    with context.store.begin() as transaction:
        of_case = ledger_record.c.record_key == case(1), ledger_record.c.personal.is_not(None)
        sealed = bytes(transaction.execute(select(ledger_record.c.personal).where(*of_case)).scalar_one())
        spoilt = sealed[:-1] + bytes([sealed[-1] ^ 1])
        transaction.execute(update(ledger_record).where(*of_case).values(personal=spoilt))
    found = find(context, "id_no", WANG, ACTOR, WHY)
    assert ([one.record_key for one in found.records], found.unreadable) == ([case(3)], 1)


def test_nobody_tries_all_phones(context: Context) -> None:
    for number in range(MOST_AN_HOUR):
        keys_found(context, "phone", f"137{number:08}")
    with pytest.raises(Rejected) as refused:
        keys_found(context, "phone", PHONE)
    assert refused.value.code == "person.too_often"
    assert find(context, "phone", PHONE, "cli:another", WHY).records


def test_under_another_key_it_is_made_anew(context: Context, store_url: str, tmp_path: Path) -> None:
    bring_up_to_date(context)
    before, now = rows(context, person_index), utc_naive(context.clock())
    with context.store.begin() as transaction:
        ledger.lock(transaction)
        keys.retire(transaction, context.vault.blind_key, RETIRING, now)
        keys.add_keys(transaction, [new_data_key(context.keys.kek, BLIND_INDEX, now)])
    bring_up_to_date(context)
    assert rows(context, person_index) == before  # this process knows no better yet
    context.vault.renew()
    assert keys_found(context, "id_no", WANG) == [(case(1), 1), (case(3), 1)]
    assert {value for _, value, _ in rows(context, person_index)}.isdisjoint(value for _, value, _ in before)
    assert [key for key, _ in rows(context, person_indexed)] == [context.vault.blind_key]


def indexing(ready: Any, store_url: str, var: Path) -> None:
    context = open_context(settings_of(store_url, var), Clock())
    ready()
    bring_up_to_date(context)


def dying(ready: Any, store_url: str, var: Path) -> None:
    crash.arm("person.indexed")
    indexing(ready, store_url, var)


def test_killed_before_the_commit_nothing_is_indexed(context: Context, store_url: str, tmp_path: Path) -> None:
    context.store.engine.dispose()
    process = begin(dying, store_url, tmp_path / "var")
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert rows(context, person_index) == []
    assert keys_found(context, "id_no", WANG) == [(case(1), 1), (case(3), 1)]


def test_killed_at_random_moments_every_row_is_indexed_once(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.stages.persons.SPAN", 1)
    context = context_of(store_url, tmp_path / "var")
    land(context, page([about(number) for number in range(40)], "a", '"a"'))
    normalise(context)
    context.store.close()
    assert kill_often(0.03, 12, indexing, store_url, tmp_path / "var") > 0
    context = open_context(settings_of(store_url, tmp_path / "var"), Clock())
    assert keys_found(context, "id_no", WANG) == [(case(number), 1) for number in range(40)]
    assert len(rows(context, person_index)) == 80
    context.store.close()


def test_the_command_reads_the_value_from_standard_input(
    context: Context, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from gateway.cli import persons as command
    from gateway.cli.output import mode

    monkeypatch.setattr(command, "gateway", lambda: context)
    for as_json in (True, False):
        monkeypatch.setattr(mode, "json", as_json)
        monkeypatch.setattr(mode, "told", False)
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"{WANG}\n"))
        command.find_person(command.By.ID, WHY)
        shown = capsys.readouterr().out
        assert WANG not in shown
        assert (
            [one["record_key"] for one in json.loads(shown)["records"]] == [case(1), case(3)]
            if as_json
            else case(3) in shown
        )
