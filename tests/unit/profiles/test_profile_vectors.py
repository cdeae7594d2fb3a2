"""The vectors of the interfaces' description, byte for byte."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gateway.crypto import der, sm2
from gateway.errors import Misconfigured, Rejected
from gateway.profiles.sm2_text import encrypt_hex, public_key, raw
from gateway.profiles.sm4_ecb import encrypt_text
from gateway.profiles.tokens import mark_text, md5_hex, page_token, tif_signature
from sandbox.provinces.ciphertext import Unreadable, sm2_hex, sm4_ecb

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
KEY = sm2.load_private((VECTORS / "gbt32918_5_key.pem").read_bytes())
PLAIN = b"20260101120000DEMOAPPdemo-app-word"
C1 = (
    "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
    "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
)
C3 = "1b542201a1e5039ad5753655cb64738b14164e9c836d35fbcbd19e52c49c193f"
C2 = "76d63dedc08bd825065463448ec2230c4923df53d6074c274bde8dbc231320f507cf"
APP_CODE = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(("order", "text"), [("c1c3c2", C1 + C3 + C2), ("c1c2c3", C1 + C2 + C3)])
def test_the_mark_of_the_description_decrypts_to_its_text(order: str, text: str) -> None:
    assert len(text) == 2 * 131
    assert sm2_hex(KEY, text, order) == PLAIN  # type: ignore[arg-type]
    assert mark_text("20260101120000", "DEMOAPP", "demo-app-word") == PLAIN


def test_der_becomes_the_raw_form_of_the_description() -> None:
    x, y = (int(C1[start : start + 64], 16) for start in (2, 66))
    assert raw(_ciphertext(x, y, bytes.fromhex(C3), bytes.fromhex(C2)), "c1c3c2").hex() == C1 + C3 + C2
    assert raw(_ciphertext(x, y, bytes.fromhex(C3), bytes.fromhex(C2)), "c1c2c3").hex() == C1 + C2 + C3


def test_a_coordinate_that_begins_with_zeros_keeps_them() -> None:
    made = raw(_ciphertext(1, 0x80, b"h" * 32, b"t"), "c1c3c2")
    assert made == b"\x04" + (1).to_bytes(32) + (0x80).to_bytes(32) + b"h" * 32 + b"t"


@pytest.mark.parametrize("order", ["c1c3c2", "c1c2c3"])
@pytest.mark.parametrize("plain", [b"x", PLAIN, "好差评".encode() * 800])
def test_what_we_encrypt_the_receiver_reads_in_that_order_only(order: str, plain: bytes) -> None:
    other = "c1c2c3" if order == "c1c3c2" else "c1c3c2"
    first, second = (encrypt_hex(KEY.public, plain, order) for _ in range(2))  # type: ignore[arg-type]
    assert first != second
    assert len(first) == 2 * (65 + 32 + len(plain))
    assert sm2_hex(KEY, first, order) == plain  # type: ignore[arg-type]
    with pytest.raises(Unreadable):
        sm2_hex(KEY, first, other)  # type: ignore[arg-type]


def test_the_platforms_key_is_read_from_hex_with_and_without_its_prefix_and_from_pem() -> None:
    point = KEY.public.spki[-65:].hex()
    keys = [public_key(text, "p") for text in (point, point[2:], point.upper(), KEY.public.pem.decode())]
    assert {key.key_id for key in keys} == {KEY.key_id}


@pytest.mark.parametrize("text", ["", "04", "zz", "04" + "00" * 64, C1[:-2]])
def test_a_key_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match=r"profile\.key_unreadable"):
        public_key(text, "p")


def test_the_page_token_of_the_description() -> None:
    token = page_token("secret", "SRC", "1234567812345678")
    assert token == "61282353f543050461175689c15a26538744350a6fd7e380"
    assert token[1::3] == "1234567812345678"
    assert "".join(token[k] + token[k + 2] for k in range(0, 48, 3)) == md5_hex("secretSRC1234567812345678")


def test_sm4_ecb_with_zero_padding_of_the_description() -> None:
    key = md5_hex(APP_CODE)[:16].encode()
    assert md5_hex(APP_CODE) == "8516ac99dc60603295de7bdb6a153530"
    assert md5_hex(APP_CODE + "1700000000000") == "e83b22226e37f79fe90c29707054e497"
    plain = '<?xml version="1.0"?><a>好差评</a>'.encode()
    text = encrypt_text(key, plain)
    assert text == "wCHj6XG+N373ph0vEmzPBubP2B4DepP45NIO2OvMgGoTSOUMnOZf5eFzU1f11B9h"
    assert sm4_ecb(key, text) == plain


def test_zero_padding_adds_nothing_to_whole_blocks_and_refuses_what_it_would_lose() -> None:
    assert len(base64.b64decode(encrypt_text(b"k" * 16, b"x" * 32))) == 32
    with pytest.raises(Rejected, match=r"profile\.text_unpaddable"):
        encrypt_text(b"k" * 16, b"x\0")


@pytest.mark.parametrize(
    ("timestamp", "token", "nonce", "signature"),
    [
        (
            *("1700000000", "test-paas-token", "18c2a1b3f00-a1b2c3"),
            "4056e07eeb410d95c0aaf4916d5f0c437942dd4c1a9c8832ba5b3e9ea551e562",
        ),
        (
            *("1763780400", "TESTTOKEN", "abcdef123456"),
            "920bd00e072f5b0f3564cc084e36972320f7260328597d4ab4f9b03e6663ed7d",
        ),
    ],
)
def test_the_header_signature_of_the_description(timestamp: str, token: str, nonce: str, signature: str) -> None:
    assert tif_signature(timestamp, token, nonce) == signature


def test_the_key_of_the_vectors_is_that_of_the_description() -> None:
    inside = base64.b64decode("".join(KEY.pem.decode().splitlines()[1:-1]))
    assert bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8") in inside


def _ciphertext(x: int, y: int, digest: bytes, text: bytes) -> bytes:
    def part(tag: int, body: bytes) -> bytes:
        return bytes([tag, len(body)]) + body

    def integer(value: int) -> bytes:
        return part(der.INTEGER, value.to_bytes(value.bit_length() // 8 + 1))

    body = integer(x) + integer(y) + part(der.OCTETS, digest) + part(der.OCTETS, text)
    return bytes([der.SEQUENCE, 0x81, len(body)] if len(body) >= 128 else [der.SEQUENCE, len(body)]) + body
