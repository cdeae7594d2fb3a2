import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.digest import hkdf_sm3, hmac_sm3, merkle_root, sm3, sm3_hex
from tests.unit.crypto.hcpb import vector


@pytest.mark.parametrize("case", vector("sm3.json")["sm3"], ids=lambda case: case.get("msg_ascii", "repeated")[:8])
def test_sm3_gives_the_standards_digests(case: dict[str, str | int]) -> None:
    message = str(case["msg_ascii"]).encode() if "msg_ascii" in case else b"a" * int(case["repeat"])
    assert sm3(message).hex().upper() == case["md"]
    assert sm3_hex(message) == str(case["md"]).lower()


@pytest.mark.parametrize("case", vector("sm3.json")["hmac_sm3"])
def test_hmac_sm3_gives_the_standards_code(case: dict[str, str]) -> None:
    assert hmac_sm3(bytes.fromhex(case["key"]), case["msg_ascii"].encode()).hex().upper() == case["mac"]


def test_a_digest_never_depends_on_the_one_before() -> None:
    first, other, again = map(sm3, [b"abc", b"", b"abc"])
    assert first == again != other


@pytest.mark.parametrize("name", ["gm-gcm-1-20", "gm-cbc-1-20", "intl-1-1"])
def test_merkle_root_of_the_sealed_vectors(name: str) -> None:
    from gateway.crypto.canonical import canonical_json

    described = vector(f"hcpb/{name}.json")
    records = [canonical_json(record) for record in described["records"]]
    assert merkle_root(records).hex() == described["merkleRoot"]
    assert [digest.hex() for digest in map(sm3, records)] == described["recordDigests"]


@given(st.lists(st.binary(max_size=80), min_size=1, max_size=40))
def test_merkle_root_is_the_plain_recursion(records: list[bytes]) -> None:
    def slow(level: list[bytes]) -> bytes:
        if len(level) == 1:
            return level[0]
        return slow([sm3(b"\x01" + b"".join(pair)) if len(pair) == 2 else pair[0] for pair in pairs(level)])

    def pairs(level: list[bytes]) -> list[list[bytes]]:
        return [level[start : start + 2] for start in range(0, len(level), 2)]

    assert merkle_root(records) == slow([sm3(b"\x00" + record) for record in records])


def test_merkle_root_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        merkle_root([])


def test_hkdf_keeps_uses_apart() -> None:
    assert len({hkdf_sm3(b"s" * 32, b"a"), hkdf_sm3(b"s" * 32, b"b"), hkdf_sm3(b"t" * 32, b"a")}) == 3


def test_hkdf_is_rfc_5869_over_hmac_sm3() -> None:
    pseudo_random = hmac_sm3(bytes(32), b"secret")
    assert hkdf_sm3(b"secret", b"info") == hmac_sm3(pseudo_random, b"info\x01")
