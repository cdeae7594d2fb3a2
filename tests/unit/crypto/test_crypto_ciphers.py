from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto import ciphers
from gateway.errors import Rejected
from tests.unit.crypto.hcpb import vector

Seal = Callable[[bytes, bytes, bytes, bytes], bytes]
GCM = pytest.mark.parametrize(
    ("key", "seal", "open_"),
    [
        (b"k" * 16, ciphers.sm4_gcm_seal, ciphers.sm4_gcm_open),
        (b"k" * 32, ciphers.aes_gcm_seal, ciphers.aes_gcm_open),
    ],
    ids=["sm4", "aes"],
)


def test_sm4_gcm_is_rfc_8998() -> None:
    case = {name: bytes.fromhex(value) for name, value in vector("sm4.json")["gcm"].items()}
    sealed = ciphers.sm4_gcm_seal(case["key"], case["iv"], case["aad"], case["pt"])
    assert sealed == case["ct"] + case["tag"]
    assert ciphers.sm4_gcm_open(case["key"], case["iv"], case["aad"], sealed) == case["pt"]


def test_sm4_cbc_is_the_drafts() -> None:
    case = {name: bytes.fromhex(value) for name, value in vector("sm4.json")["cbc_nopad"].items()}
    padded = ciphers.sm4_cbc_encrypt(case["key"], case["iv"], case["pt"])
    assert padded[:32] == case["ct"]
    assert len(padded) == 48
    assert ciphers.sm4_cbc_decrypt(case["key"], case["iv"], padded) == case["pt"]


@pytest.mark.parametrize("cipher", [b"", b"x" * 15, b"x" * 16, b"x" * 33])
def test_sm4_cbc_refuses_what_was_not_padded(cipher: bytes) -> None:
    with pytest.raises(Rejected):
        ciphers.sm4_cbc_decrypt(b"k" * 16, b"i" * 16, cipher)


@GCM
@given(plain=st.binary(max_size=200), aad=st.binary(max_size=40), flipped=st.integers(0))
def test_gcm_opens_whole_text_only(key: bytes, seal: Seal, open_: Seal, plain: bytes, aad: bytes, flipped: int) -> None:
    sealed = seal(key, b"n" * 12, aad, plain)
    assert open_(key, b"n" * 12, aad, sealed) == plain
    damaged = bytearray(sealed)
    damaged[flipped // 8 % len(sealed)] ^= 1 << flipped % 8
    for wrong in (
        (key, b"n" * 12, aad, bytes(damaged)),
        (key, b"m" * 12, aad, sealed),
        (key, b"n" * 12, aad + b"x", sealed),
        (key[::-1][1:] + b"x", b"n" * 12, aad, sealed),
    ):
        with pytest.raises(Rejected) as refused:
            open_(*wrong)
        assert refused.value.code == "crypto.damaged"


@GCM
@pytest.mark.parametrize("size", [0, 1, 15])
def test_gcm_refuses_text_shorter_than_a_tag(key: bytes, seal: Seal, open_: Seal, size: int) -> None:
    with pytest.raises(Rejected):
        open_(key, b"n" * 12, b"", seal(key, b"n" * 12, b"", b"")[:size])
