"""The wheel stands in for libcrypto: the same vectors, the same files, the same refusals."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway.crypto import libcrypto, sm2
from gateway.errors import Misconfigured, Rejected
from tests.unit.crypto.hcpb import VECTORS, pem
from tests.unit.crypto.test_crypto_sm2 import CIPHERTEXTS, SIGNATURES, ciphertext_of, signature_of

WITH_WHEEL = pytest.mark.skipif(importlib.util.find_spec(sm2.WHEEL) is None, reason="the extra gm-wheel is absent")
PRIVATE = (VECTORS / "gbt32918_5_key.pem").read_bytes()
PUBLIC = (VECTORS / "gbt32918_5_pub.pem").read_bytes()

ORIGINAL_LOAD = libcrypto._load


@pytest.fixture
def no_libcrypto(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine without any libcrypto."""
    monkeypatch.setattr(libcrypto, "_load", lambda name: None)
    _forget()
    yield
    monkeypatch.undo()
    _forget()


def _forget() -> None:
    libcrypto.library.cache_clear()
    sm2._provider.cache_clear()


@pytest.fixture
def wheel(no_libcrypto: None) -> None:
    assert sm2.provider() == "gmssl_pyx"


def test_the_systems_library_comes_first() -> None:
    assert sm2.provider() == "libcrypto"


@pytest.mark.usefixtures("no_libcrypto")
def test_without_both_the_operator_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sm2, "find_spec", lambda name: None)
    for act in (sm2.generate, lambda: sm2.load_public(PUBLIC), lambda: sm2.load_private(PRIVATE)):
        with pytest.raises(Misconfigured, match=r"crypto\.no_libcrypto"):
            act()


@pytest.mark.usefixtures("no_libcrypto")
def test_a_library_that_was_named_is_never_passed_over() -> None:
    libcrypto.choose("/nowhere/libcrypto.so.3")
    try:
        with pytest.raises(Misconfigured) as refused:
            sm2.generate()
    finally:
        libcrypto.choose("")
    assert refused.value.params["tried"] == "/nowhere/libcrypto.so.3"


@WITH_WHEEL
@pytest.mark.usefixtures("wheel")
def test_it_knows_the_standards_vectors() -> None:
    key, public = sm2.load_private(PRIVATE), sm2.load_public(PUBLIC)
    message = SIGNATURES["message_ascii"].encode()
    assert key.public == public
    assert sm2.verify(public, message, bytes.fromhex(SIGNATURES["signature_der"]))
    for case in SIGNATURES["negative"]:
        if "id_ascii" not in case:
            said = case.get("message_ascii", SIGNATURES["message_ascii"]).encode()
            assert not sm2.verify(public, said, signature_of(case["signature_raw_rs"])), case["why"]
    assert sm2.decrypt(key, (VECTORS / "encrypted.der").read_bytes()) == CIPHERTEXTS["plaintext_ascii"].encode()
    for case in CIPHERTEXTS["negative"]:
        with pytest.raises(Rejected):
            sm2.decrypt(key, ciphertext_of(case["ciphertext_C1C3C2"]))


@WITH_WHEEL
def test_both_understand_each_other(no_libcrypto: None) -> None:
    ours = sm2.generate()
    text, sealed = ours.pem, ours.to_pem("口令".encode())
    signature, cipher = sm2.sign(ours, b"m"), sm2.encrypt(ours.public, b"0123456789abcdef")
    libcrypto_key: Any = None
    with pytest.MonkeyPatch.context() as patch:
        from gateway.crypto import sm2_libcrypto

        patch.setattr(libcrypto, "_load", ORIGINAL_LOAD)
        libcrypto.library.cache_clear()
        libcrypto_key = sm2_libcrypto.load_private(text, None)
        assert sm2_libcrypto.load_private(sealed, "口令".encode()) == libcrypto_key
        assert libcrypto_key.spki == ours.spki
        assert sm2.verify(libcrypto_key, b"m", signature)
        assert sm2.decrypt(libcrypto_key, cipher) == b"0123456789abcdef"
        back, wrapped = libcrypto_key.sign(b"n"), libcrypto_key.encrypt(b"key")
        theirs = libcrypto_key.to_pem(b"secret")
        assert sm2_libcrypto.load_public(ours.public.pem).pem == ours.public.pem
    libcrypto.library.cache_clear()
    assert sm2.verify(ours.public, b"n", back)
    assert sm2.decrypt(ours, wrapped) == b"key"
    assert sm2.load_private(theirs, b"secret") == ours


@WITH_WHEEL
@pytest.mark.usefixtures("wheel")
def test_it_refuses_what_libcrypto_refuses() -> None:
    key = sm2.load_private(PRIVATE)
    spki = key.spki
    for text in (b"", b"no key", pem("platform-p256-sig.pub"), spki + b"\0", spki[:-1], spki[:-1] + b"\0"):
        with pytest.raises(Misconfigured, match=r"crypto\.key_unreadable"):
            sm2.load_public(text)
    sealed = key.to_pem(b"right")
    for wrong in (None, b"", b"other"):
        with pytest.raises(Misconfigured, match=r"crypto\.key_unreadable"):
            sm2.load_private(sealed, wrong)
    for text in (b"", pem("sender-360000000000-p256-sig.key"), pem("platform-rsa3072-enc.key")):
        with pytest.raises(Misconfigured, match=r"crypto\.key_unreadable"):
            sm2.load_private(text)
    other = sm2.generate()
    with pytest.raises(Rejected):
        sm2.decrypt(other, sm2.encrypt(key.public, b"plain"))


@WITH_WHEEL
@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
@pytest.mark.usefixtures("wheel")
def test_it_reads_the_files_that_the_command_line_writes(tmp_path: Path) -> None:
    plain, sealed = tmp_path / "plain.pem", tmp_path / "sealed.pem"

    def run(*words: object) -> None:
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    run("genpkey", "-algorithm", "SM2", "-out", plain)
    password = ("-passout", "pass:secret")
    run("pkcs8", "-topk8", "-v2", "sm4-cbc", "-iter", "600000", "-in", plain, "-out", sealed, *password)
    assert sm2.load_private(sealed.read_bytes(), b"secret") == sm2.load_private(plain.read_bytes())
