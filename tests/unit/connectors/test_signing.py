"""Signatures and encrypted bodies against vectors of real interfaces and independent computation."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pydantic import ValidationError

from connectors.ciphers import CipherOptions, Opener
from connectors.moments import SHANGHAI
from connectors.signing import Signer, SigningOptions
from gateway.crypto import sm2
from gateway.crypto.digest import hmac_sm3, sm3_hex
from gateway.errors import Misconfigured
from gateway.settings import Connection

WHEN = datetime(2023, 11, 15, 6, 13, 20, tzinfo=SHANGHAI)  # 1700000000
APP_CODE = "0123456789abcdef0123456789abcdef"
MADE_BY_SM2 = Path(__file__).resolve().parents[2] / "vectors" / "gbt32918_5_key.pem"


def connection(password: str, **extra: str) -> Connection:
    return Connection(login="app", password=password, extra=extra)  # type: ignore[arg-type,call-arg]


def signer(password: str, algorithm: str, text: str, **more: str) -> Signer:
    options = SigningOptions.model_validate({"algorithm": algorithm, "text": text, **more})
    extra = {"sm2_key": str(MADE_BY_SM2)} if algorithm == "sm2" else {}
    return Signer(options, connection(password, **extra), lambda: WHEN)


def test_md5_over_secret_and_milliseconds_as_fj_soap_has_it() -> None:
    marks = signer(APP_CODE, "md5", "{secret}{timestamp}", timestamp="milliseconds").marks()
    assert marks["timestamp"] == "1700000000000"
    assert marks["sign"] == "e83b22226e37f79fe90c29707054e497"


def test_sha256_with_a_nonce_as_x_tif_has_it() -> None:
    made = signer("test-paas-token", "sha256", "{timestamp}{secret}{nonce}{timestamp}")
    marks = made.marks(nonce="18c2a1b3f00-a1b2c3")
    assert marks["sign"] == "4056e07eeb410d95c0aaf4916d5f0c437942dd4c1a9c8832ba5b3e9ea551e562"


@pytest.mark.parametrize(
    ("algorithm", "form", "expected"),
    [
        ("sm3", "hex", sm3_hex(b"app20231115061320POST/xa=1&b=2s")),
        ("sm3", "upper_hex", sm3_hex(b"app20231115061320POST/xa=1&b=2s").upper()),
        ("hmac_sha256", "hex", hmac.new(b"s", b"app20231115061320POST/xa=1&b=2s", "sha256").hexdigest()),
        ("hmac_sm3", "hex", hmac_sm3(b"s", b"app20231115061320POST/xa=1&b=2s").hex()),
    ],
)
def test_the_string_to_sign_is_put_together_from_its_parts(algorithm: str, form: str, expected: str) -> None:
    text = "{login}{timestamp}{method}{path}{query}{secret}"
    made = signer("s", algorithm, text, form=form, timestamp="yyyyMMddHHmmss")
    assert made.marks("POST", "/x", {"b": 2, "a": "1", "none": ""})["sign"] == expected


def test_the_body_is_signed_by_its_digest_or_whole() -> None:
    for part, text in (("{body_digest}", hashlib.md5(b"{}").hexdigest()), ("{body}", "{}"), ("{values}", "12")):
        marks = signer("s", "md5", part).marks("POST", "/", {"b": "2", "a": 1}, b"{}")
        assert marks["sign"] == hashlib.md5(text.encode()).hexdigest()


@pytest.mark.parametrize("form", ["der", "raw"])
def test_an_sm2_signature_verifies(form: str) -> None:
    marks = signer("", "sm2", "{login}{timestamp}", sm2_form=form).marks()
    signature = bytes.fromhex(marks["sign"])
    if form == "raw":
        assert len(signature) == 64
        r, s = (signature[at : at + 32].lstrip(b"\0") for at in (0, 32))
        parts = b"".join(bytes([2, len(n) + (n[0] >= 128)]) + b"\0" * (n[0] >= 128) + n for n in (r, s))
        signature = bytes([0x30, len(parts)]) + parts
    public = sm2.load_private(MADE_BY_SM2.read_bytes()).public
    assert sm2.verify(public, b"app1700000000", signature)


def test_each_attempt_has_a_nonce_of_its_own() -> None:
    made = signer("s", "md5", "{nonce}")
    assert made.marks()["nonce"] != made.marks()["nonce"]


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ValidationError, match="passwort"):
        signer("s", "md5", "{passwort}")


def opener(extra: dict[str, str], **options: Any) -> Opener:
    return Opener(CipherOptions.model_validate(options), extra)


def test_sm4_ecb_with_zero_padding_as_fj_soap_has_it() -> None:
    key = hashlib.md5(APP_CODE.encode()).hexdigest()[:16]
    sealed = b"wCHj6XG+N373ph0vEmzPBubP2B4DepP45NIO2OvMgGoTSOUMnOZf5eFzU1f11B9h"
    made = opener({"cipher_key": key}, algorithm="sm4_ecb", padding="zero")
    assert made.open(sealed).decode() == '<?xml version="1.0"?><a>好差评</a>'


def test_sm4_gcm_says_when_a_byte_was_altered() -> None:
    key, nonce = "0123456789abcdeffedcba9876543210", "00001234567800000000abcd"
    context = Cipher(algorithms.SM4(bytes.fromhex(key)), modes.GCM(bytes.fromhex(nonce))).encryptor()
    cipher = context.update("满意".encode()) + context.finalize() + context.tag
    apart = opener({"cipher_key": key, "cipher_iv": nonce}, algorithm="sm4_gcm", text="raw", iv="extra")
    assert apart.open(cipher).decode() == "满意"
    made, sealed = opener({"cipher_key": key}, algorithm="sm4_gcm", text="raw"), bytes.fromhex(nonce) + cipher
    assert made.open(sealed).decode() == "满意"
    for place in (0, 12, len(sealed) - 1):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises(Misconfigured, match=r"cipher\.damaged"):
            made.open(bytes(altered))


C1 = (
    "0404ebfc718e8d1798620432268e77feb6415e2ede0e073c0f4f640ecd2e149a73"
    "e858f9d81e5430a57b36daab8f950a3c64e6ee6a63094d99283aff767e124df0"
)
C3 = "1b542201a1e5039ad5753655cb64738b14164e9c836d35fbcbd19e52c49c193f"
C2 = "76d63dedc08bd825065463448ec2230c4923df53d6074c274bde8dbc231320f507cf"


@pytest.mark.parametrize(
    ("order", "prefixed", "sealed"),
    [("c1c3c2", True, C1 + C3 + C2), ("c1c2c3", True, C1 + C2 + C3), ("c1c3c2", False, C1[2:] + C3 + C2)],
    ids=["new order", "old order", "bare, its coordinate begins with 04"],
)
def test_sm2_in_each_order_of_its_parts(order: str, prefixed: bool, sealed: str) -> None:
    made = opener({"sm2_key": str(MADE_BY_SM2)}, algorithm="sm2", text="hex", order=order, prefixed=prefixed)
    assert made.open(sealed.encode()) == b"20260101120000DEMOAPPdemo-app-word"


def test_sm2_in_der() -> None:
    public = sm2.load_private(MADE_BY_SM2.read_bytes()).public
    made = opener({"sm2_key": str(MADE_BY_SM2)}, algorithm="sm2", text="raw", order="der")
    assert made.open(sm2.encrypt(public, "满意".encode())) == "满意".encode()


@pytest.mark.parametrize("sealed", [b"", b"00", b"zz", (C1 + C3 + "00" + C2).encode(), b"04" * 200])
def test_what_can_not_be_opened_needs_an_operator(sealed: bytes) -> None:
    made = opener({"sm2_key": str(MADE_BY_SM2)}, algorithm="sm2", text="hex")
    with pytest.raises(Misconfigured, match=r"cipher\.damaged"):
        made.open(sealed)


@pytest.mark.parametrize(
    ("algorithm", "extra"),
    [("sm4_cbc", {}), ("sm4_cbc", {"cipher_key": "short"}), ("sm2", {}), ("sm2", {"sm2_key": "/nowhere.pem"})],
)
def test_a_missing_key_is_named_and_not_shown(algorithm: str, extra: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match=r"cipher\.key") as missing:
        opener(extra, algorithm=algorithm)
    assert missing.value.params["key"] == ("extra.sm2_key" if algorithm == "sm2" else "extra.cipher_key")
    assert "short" not in str(missing.value)
