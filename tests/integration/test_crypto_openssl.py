"""The ``openssl`` command line as an independent witness."""

from __future__ import annotations

import base64
import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.crypto import sm2
from gateway.crypto.digest import sm3
from gateway.crypto.envelope import open_batch, seal_batch
from gateway.crypto.header import signed_bytes, split_frame
from gateway.crypto.suites import SUITES
from tests.unit.crypto.hcpb import HCPB, NOW, SENDER, VECTORS, receiver, request, sender_keys

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command")
SIGNER_ID = ("-sigopt", "distid:1234567812345678")


def openssl(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)


SIGNATURES = {"SM2": ("-sm3", "sm2", SIGNER_ID), "RSA-OAEP-256": ("-sha256", "p256", ())}
UNWRAPPING = {
    "SM2": ("sm2", ()),
    "RSA-OAEP-256": ("rsa3072", [f"rsa_{name}" for name in ("padding_mode:oaep", "oaep_md:sha256", "mgf1_md:sha256")]),
}


@pytest.mark.parametrize("suite", SUITES)
def test_it_verifies_our_batch_and_unwraps_our_key(tmp_path: Path, suite: str) -> None:
    sealed = seal_batch(request(suite), [b'{"a":1}'], sender_keys(suite))
    frame = split_frame(sealed.body)
    signed, signature, wrapped = (tmp_path / name for name in ("signed", "signature", "wrapped"))
    signed.write_bytes(signed_bytes(frame.header, sm3(frame.payload)))
    signature.write_bytes(frame.signature)
    wrapped.write_bytes(base64.b64decode(sealed.header.wrapped_key))
    digest, key, more = SIGNATURES[sealed.header.key_wrap]
    public = HCPB / f"TEST-KEY-sender-{SENDER}-{key}-sig.pub.pem"
    check = ("dgst", digest, "-verify", public, "-signature", signature)
    assert openssl(*check, *more, signed).stdout == b"Verified OK\n"
    if more:
        assert openssl(*check, signed).returncode != 0  # an empty signer id: what OpenSSL does when it is not told
    name, options = UNWRAPPING[sealed.header.key_wrap]
    private = HCPB / f"TEST-KEY-platform-{name}-enc.key.pem"
    told = [part for option in options for part in ("-pkeyopt", option)]
    data_key = openssl("pkeyutl", "-decrypt", "-inkey", private, "-in", wrapped, *told).stdout
    assert data_key == open_batch(sealed.body, receiver(), NOW).data_key


def test_it_agrees_with_the_standards_files() -> None:
    """The command lines of the vectors' own page."""
    public, signature, message = (VECTORS / name for name in ("gbt32918_5_pub.pem", "message.sig.der", "message.bin"))
    check = ("dgst", "-sm3", "-verify", public, "-signature", signature)
    assert openssl(*check, *SIGNER_ID, message).stdout == b"Verified OK\n"
    assert openssl(*check, message).returncode != 0
    private, cipher = VECTORS / "gbt32918_5_key.pem", VECTORS / "encrypted.der"
    assert openssl("pkeyutl", "-decrypt", "-inkey", private, "-in", cipher).stdout == b"encryption standard"


def test_we_verify_its_signature_and_read_its_ciphertext(tmp_path: Path) -> None:
    key, message, signature, cipher = (tmp_path / name for name in ("key", "message", "signature", "cipher"))
    assert openssl("genpkey", "-algorithm", "SM2", "-out", key).returncode == 0
    message.write_bytes(b"0123456789abcdef")
    assert openssl("dgst", "-sm3", "-sign", key, *SIGNER_ID, "-out", signature, message).returncode == 0
    public = tmp_path / "public"
    assert openssl("pkey", "-in", key, "-pubout", "-out", public).returncode == 0
    assert openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", public, "-in", message, "-out", cipher).returncode == 0
    ours = sm2.load_private(key.read_bytes())
    assert sm2.load_public(public.read_bytes()) == ours.public
    assert sm2.verify(ours.public, message.read_bytes(), signature.read_bytes())
    assert sm2.decrypt(ours, cipher.read_bytes()) == message.read_bytes()


def test_it_reads_our_encrypted_key_file(tmp_path: Path) -> None:
    key = sm2.generate()
    path = tmp_path / "key.pem"
    path.write_bytes(key.to_pem(b"secret"))
    read = openssl("pkey", "-in", path, "-passin", "pass:secret", "-pubout", "-outform", "DER")
    assert read.stdout == key.spki
    rounds = openssl("asn1parse", "-in", path).stdout
    assert b"sm4-cbc" in rounds
    assert f":{600_000:X}".encode() in rounds.replace(b":0", b":")
