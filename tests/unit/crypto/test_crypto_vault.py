from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.blind_index import blind_index, normalised
from gateway.crypto.data_keys import BLIND_INDEX, CELLS, PURPOSES, DataKeys, WrappedKey, new_data_key, rewrap, unwrap
from gateway.crypto.kek import new_kek
from gateway.crypto.vault import OVERHEAD, Vault, sealed_with
from gateway.errors import GatewayError, Misconfigured, Rejected
from tests.unit.crypto.hcpb import vector

NOW = datetime(2026, 11, 2)  # noqa: DTZ001  (columns hold UTC without zone)
KEK = new_kek()
ROWS = [new_data_key(KEK, purpose, NOW) for purpose in PURPOSES]
VAULT = Vault(DataKeys(KEK, ROWS))
BLIND = vector("blind_index.json")


def wide(text: str) -> str:
    """``text`` in full-width characters (全角), as some forms deliver it."""
    return "".join(chr(ord(character) + 0xFEE0) for character in text)


@given(plain=st.binary(max_size=500), purpose=st.text(max_size=20), row=st.text(max_size=40))
def test_round_trips(plain: bytes, purpose: str, row: str) -> None:
    sealed = VAULT.seal(purpose, row, plain)
    assert len(sealed) == len(plain) + OVERHEAD
    assert VAULT.open(purpose, row, sealed) == plain


def test_the_column_format_is_the_documented_one() -> None:
    sealed = VAULT.seal("ledger_record.personal", "r1", b"x")
    assert sealed[0] == 1
    assert sealed[1:9].hex() == sealed_with(sealed) == ROWS[0].key_id
    assert VAULT.seal("ledger_record.personal", "r1", b"x")[9:21] != sealed[9:21]


@given(
    there=st.tuples(st.text(max_size=4), st.text(max_size=4)), here=st.tuples(st.text(max_size=4), st.text(max_size=4))
)
def test_a_cell_moved_to_another_place_does_not_open(there: tuple[str, str], here: tuple[str, str]) -> None:
    sealed = VAULT.seal(*there, b"plain")
    if there != here:
        with pytest.raises(Rejected) as refused:
            VAULT.open(*here, sealed)
        assert refused.value.code == "crypto.field_damaged"


@pytest.mark.parametrize("place", [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", "")])
def test_the_border_between_purpose_and_row_counts(place: tuple[str, str]) -> None:
    sealed = VAULT.seal("abc\0", "", b"plain")
    with pytest.raises(Rejected):
        VAULT.open(*place, sealed)


def test_every_bit_counts() -> None:
    sealed = VAULT.seal("p", "r", b"plain")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(GatewayError) as refused:
            VAULT.open("p", "r", bytes(changed))
        named_another_key = 8 <= bit < 72
        assert refused.value.code == ("crypto.data_key_missing" if named_another_key else "crypto.field_damaged")


@pytest.mark.parametrize("size", [0, 1, 9, OVERHEAD - 1])
def test_what_is_too_short_is_refused(size: int) -> None:
    with pytest.raises(Rejected):
        VAULT.open("p", "r", VAULT.seal("p", "r", b"")[:size])


def test_a_new_data_key_seals_and_the_old_one_still_opens() -> None:
    old = VAULT.seal("p", "r", b"old")
    added = new_data_key(KEK, CELLS, NOW)
    rows = [replace(ROWS[0], state="retiring"), ROWS[1], added]
    vault = Vault(DataKeys(KEK, rows))
    assert vault.open("p", "r", old) == b"old"
    assert sealed_with(vault.seal("p", "r", b"new")) == added.key_id


@pytest.mark.parametrize("state", ["pending", "revoked", "destroyed"])
def test_a_key_in_no_use_opens_nothing(state: str) -> None:
    sealed = VAULT.seal("p", "r", b"x")
    rows = [replace(ROWS[0], state=state), ROWS[1], new_data_key(KEK, CELLS, NOW)]
    with pytest.raises(Misconfigured) as refused:
        Vault(DataKeys(KEK, rows)).open("p", "r", sealed)
    assert refused.value.code == "crypto.data_key_missing"


@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS[1:], [replace(ROWS[0], state="retiring"), ROWS[1]]])
def test_without_an_active_key_there_is_no_vault(rows: list[WrappedKey]) -> None:
    with pytest.raises(Misconfigured) as refused:
        Vault(DataKeys(KEK, rows))
    assert refused.value.code == "crypto.data_key_missing"


def test_two_active_keys_are_a_mistake() -> None:
    with pytest.raises(Misconfigured) as refused:
        DataKeys(KEK, [*ROWS, new_data_key(KEK, CELLS, NOW)])
    assert refused.value.code == "crypto.data_key_twice"


@pytest.mark.parametrize(
    "change",
    [
        {"key_id": "0" * 16},
        {"purpose": BLIND_INDEX},
        {"alg": "SGD_SM4_CBC"},
        {"kek_id": "0" * 16},
        {"wrapped": b""},
        {"wrapped": ROWS[1].wrapped},
        {"wrapped": ROWS[0].wrapped[:-1]},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_row_of_crypto_key_does_not_unwrap(change: dict[str, str]) -> None:
    with pytest.raises(Misconfigured) as refused:
        unwrap(KEK, replace(ROWS[0], **change))
    assert refused.value.code == "crypto.kek_wrong"


def test_another_kek_does_not_unwrap() -> None:
    with pytest.raises(Misconfigured):
        DataKeys(new_kek(), ROWS)


def test_rotating_the_kek_touches_no_cell() -> None:
    sealed, index = VAULT.seal("p", "r", b"x"), VAULT.blind_index("phone", "13800138000")
    other = new_kek()
    moved = Vault(DataKeys(other, [rewrap(KEK, other, row) for row in ROWS]))
    assert moved.open("p", "r", sealed) == b"x"
    assert moved.blind_index("phone", "13800138000") == index


@pytest.mark.parametrize("case", BLIND["vectors"], ids=lambda case: case["field"])
def test_blind_index_is_the_definitions(case: dict[str, str]) -> None:
    assert normalised(case["field"], case["value"]) == case["norm"]
    assert blind_index(bytes.fromhex(BLIND["key"]), case["field"], case["value"]).hex() == case["index"]


@pytest.mark.parametrize(
    ("field", "spellings"),
    [
        (
            "phone",
            ["13800138000", "+86 138-0013-8000", "008613800138000", wide("13800138000"), " 86 13800138000 "],
        ),
        ("id_no", ["11010119900307001X", "11010119900307001x", wide("11010119900307001X")]),
        ("name", ["张三", " 张三 "]),
    ],
)
def test_spellings_of_one_value_have_one_index(field: str, spellings: list[str]) -> None:
    assert len({VAULT.blind_index(field, spelling) for spelling in spellings}) == 1


def test_fields_and_values_have_indexes_of_their_own() -> None:
    indexes = {VAULT.blind_index(field, value) for field in ("phone", "name") for value in ("1", "2")}
    assert len(indexes) == 4
    assert all(len(index) == 16 for index in indexes)


def test_a_landline_keeps_its_digits() -> None:
    assert normalised("phone", "0791-8612345") == "07918612345"


def test_errors_name_the_place_and_nothing_of_the_value() -> None:
    with pytest.raises(Rejected) as refused:
        VAULT.open("p", "r1", VAULT.seal("p", "r2", "张三".encode()))
    assert refused.value.params == {"purpose": "p", "row": "r1"}
    assert KEK.secret.hex() not in repr(KEK)
