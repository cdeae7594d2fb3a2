from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.crypto import der, libcrypto, sm2
from gateway.errors import GatewayError, Misconfigured, Rejected
from tests.unit.crypto.hcpb import VECTORS, pem, vector

SIGNATURES = vector("sm2_sign.json")
CIPHERTEXTS = vector("sm2_encrypt.json")
KEY = sm2.load_private((VECTORS / "gbt32918_5_key.pem").read_bytes())
PUBLIC = sm2.load_public((VECTORS / "gbt32918_5_pub.pem").read_bytes())


def integer(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1)
    return bytes([2, len(body)]) + body


def sequence(*parts: bytes) -> bytes:
    body = b"".join(parts)
    return bytes([0x30]) + (bytes([len(body)]) if len(body) < 128 else bytes([0x81, len(body)])) + body


def signature_of(raw: str) -> bytes:
    return sequence(integer(int(raw[:64], 16)), integer(int(raw[64:], 16)))


def ciphertext_of(c1c3c2: str) -> bytes:
    raw = bytes.fromhex(c1c3c2)
    x, y, c3, c2 = raw[1:33], raw[33:65], raw[65:97], raw[97:]
    octets = [bytes([4, len(part)]) + part for part in (c3, c2)]
    return sequence(integer(int.from_bytes(x)), integer(int.from_bytes(y)), *octets)


def test_the_standards_key_is_the_standards_key() -> None:
    assert KEY.public == PUBLIC
    assert PUBLIC.spki[-64:].hex().upper() == SIGNATURES["public_key_x"] + SIGNATURES["public_key_y"]


def test_the_standards_signature_verifies() -> None:
    message = SIGNATURES["message_ascii"].encode()
    assert signature_of(SIGNATURES["signature_raw_rs"]).hex().upper() == SIGNATURES["signature_der"]
    assert sm2.verify(PUBLIC, message, bytes.fromhex(SIGNATURES["signature_der"]))


@pytest.mark.parametrize(
    "case", [case for case in SIGNATURES["negative"] if "id_ascii" not in case], ids=lambda case: case["why"]
)
def test_the_negative_signatures_are_refused(case: dict[str, str]) -> None:
    message = case.get("message_ascii", SIGNATURES["message_ascii"]).encode()
    assert sm2.verify(PUBLIC, message, signature_of(case["signature_raw_rs"])) is False


def test_the_standards_ciphertext_decrypts() -> None:
    cipher = ciphertext_of(CIPHERTEXTS["ciphertext_C1C3C2"])
    assert cipher.hex().upper() == CIPHERTEXTS["ciphertext_der_GMT0009"]
    assert sm2.decrypt(KEY, cipher) == CIPHERTEXTS["plaintext_ascii"].encode()


@pytest.mark.parametrize("case", CIPHERTEXTS["negative"], ids=lambda case: case["why"])
def test_the_negative_ciphertexts_are_refused(case: dict[str, str]) -> None:
    with pytest.raises(Rejected) as refused:
        sm2.decrypt(KEY, ciphertext_of(case["ciphertext_C1C3C2"]))
    assert refused.value.code == "crypto.damaged"


def test_any_changed_bit_of_signature_or_ciphertext_is_refused() -> None:
    signature, cipher = sm2.sign(KEY, b"m"), sm2.encrypt(PUBLIC, b"k" * 16)
    for place in range(len(signature) * 8):
        assert not sm2.verify(PUBLIC, b"m", flipped(signature, place))
    for place in range(len(cipher) * 8):
        with pytest.raises(Rejected):
            sm2.decrypt(KEY, flipped(cipher, place))


def flipped(data: bytes, place: int) -> bytes:
    changed = bytearray(data)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def test_another_encoding_of_a_good_signature_is_refused() -> None:
    raw = SIGNATURES["signature_raw_rs"]
    r, s = integer(int(raw[:64], 16)), integer(int(raw[64:], 16))
    message = b"message digest"
    assert sm2.verify(PUBLIC, message, sequence(r, s))
    padded = bytes([2, len(r) - 1]) + b"\0" + r[2:]
    long_form = bytes([0x30, 0x81, len(r + s)]) + r + s
    negative = bytes([2, 32]) + r[3:]
    for spelling in (
        sequence(padded, s),
        long_form,
        sequence(negative, s),
        sequence(r, s) + b"\0",
        sequence(r, s, s),
        sequence(r),
        bytes.fromhex(raw),
        b"",
        b"\x30\x80" + r + s + b"\0\0",
    ):
        assert not sm2.verify(PUBLIC, message, spelling)


def test_loose_ciphertext_is_refused() -> None:
    cipher = sm2.encrypt(PUBLIC, b"k" * 16)
    for spelling in (b"", b"\x30\x00", cipher + b"\0", cipher[:-1], b"\x30\x84" + cipher[1:]):
        with pytest.raises(Rejected):
            sm2.decrypt(KEY, spelling)


def test_ciphertext_for_another_key_is_refused() -> None:
    with pytest.raises(Rejected):
        sm2.decrypt(sm2.generate(), sm2.encrypt(PUBLIC, b"k" * 16))


@settings(max_examples=25, deadline=None)
@given(message=st.binary(max_size=3000), plain=st.binary(min_size=8, max_size=300))
def test_round_trips(message: bytes, plain: bytes) -> None:
    signature = sm2.sign(KEY, message)
    assert sm2.verify(PUBLIC, message, signature)
    assert not sm2.verify(PUBLIC, message + b"x", signature)
    assert sm2.decrypt(KEY, sm2.encrypt(PUBLIC, plain)) == plain


def test_keys_survive_their_files() -> None:
    key = sm2.generate()
    assert key != sm2.generate()
    assert sm2.load_private(key.pem) == key
    assert sm2.load_public(key.public.pem) == sm2.load_public(key.spki) == key.public
    assert key.public.pem.startswith(b"-----BEGIN PUBLIC KEY-----")
    assert key.key_id == key.public.key_id == sm2.key_id(key.spki)
    assert len({key, sm2.load_private(key.pem)}) == 1


def test_an_encrypted_key_needs_its_passphrase() -> None:
    key = sm2.generate()
    text = key.to_pem("口令".encode())
    assert text.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert sm2.load_private(text, "口令".encode()) == key
    for wrong in (None, b"", b"other"):
        with pytest.raises(Misconfigured) as refused:
            sm2.load_private(text, wrong)
        assert refused.value.code == "crypto.key_unreadable"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no key",
        pem("platform-p256-sig.pub"),
        pem("platform-rsa3072-enc.pub"),
        PUBLIC.spki + b"\0",
        PUBLIC.spki[:-1],
        PUBLIC.spki[:-1] + b"\0",
    ],
    ids=["empty", "text", "p256", "rsa", "longer", "shorter", "off the curve"],
)
def test_what_is_no_sm2_public_key_is_refused(text: bytes) -> None:
    with pytest.raises(Misconfigured) as refused:
        sm2.load_public(text)
    assert refused.value.code == "crypto.key_unreadable"


@pytest.mark.parametrize("name", ["platform-rsa3072-enc.key", "sender-360000000000-p256-sig.key"])
def test_a_private_key_of_another_kind_is_refused(name: str) -> None:
    with pytest.raises(Misconfigured):
        sm2.load_private(pem(name))


def test_keys_show_and_ship_nothing_secret() -> None:
    assert repr(KEY) == f"<SM2 PrivateKey {KEY.key_id}>"
    with pytest.raises(TypeError):
        pickle.dumps(KEY)


def test_threads_do_not_disturb_each_other() -> None:
    def work(number: int) -> bool:
        message = str(number).encode()
        good = sm2.sign(KEY, message)
        return sm2.verify(PUBLIC, message, good) and not sm2.verify(PUBLIC, b"other", good)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(work, range(60)))


def test_without_a_library_the_operator_is_told() -> None:
    libcrypto.choose("/nowhere/libcrypto.so.3")
    try:
        with pytest.raises(Misconfigured) as refused:
            libcrypto.library()
    finally:
        libcrypto.choose("")
    assert refused.value.code == "crypto.no_libcrypto"
    assert refused.value.params["tried"] == "/nowhere/libcrypto.so.3"


def test_a_library_without_the_calls_is_passed_over() -> None:
    libcrypto.choose("libc.so.6")
    try:
        with pytest.raises(GatewayError):
            libcrypto.library()
    finally:
        libcrypto.choose("")


@given(st.binary(max_size=40))
def test_der_never_fails_but_by_refusing(data: bytes) -> None:
    try:
        parts = der.elements(data)
    except der.NotDer:
        return
    body = b"".join(bytes([tag, len(content)]) + content for tag, content in parts)
    assert data == bytes([0x30, len(body)]) + body
