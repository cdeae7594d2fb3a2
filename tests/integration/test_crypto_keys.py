"""The key folder on a real disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import messages
from gateway.crypto import sm2
from gateway.crypto.keys import KEK, SIGNATURE_KEY, SIGNATURE_PUBLIC, KeyFolder, Use
from gateway.crypto.own_keys import REGISTER
from gateway.errors import Misconfigured
from tests.unit.crypto.hcpb import HCPB, pem


def refused_code(act: object) -> str:
    with pytest.raises(Misconfigured) as refused:
        act()  # type: ignore[operator]
    for lang in ("zh", "en"):
        assert refused.value.code not in messages.explain(refused.value, lang)  # type: ignore[arg-type]
    return refused.value.code


def test_new_makes_what_is_missing_and_nothing_else(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    assert [path.name for path in folder.new()] == [SIGNATURE_KEY, SIGNATURE_PUBLIC, REGISTER, KEK]
    before = {path: path.read_bytes() for path in (tmp_path / "keys").iterdir() if path.is_file()}
    again = KeyFolder(tmp_path / "keys")
    assert again.new() == ()
    assert {path: path.read_bytes() for path in (tmp_path / "keys").iterdir() if path.is_file()} == before
    assert again.signer.key_id == folder.signer.key_id
    assert again.kek == folder.kek
    public = sm2.load_public((tmp_path / "keys" / SIGNATURE_PUBLIC).read_bytes())
    assert sm2.verify(public, b"m", again.signer.sign(b"m"))


def test_secrets_are_their_owners_alone(tmp_path: Path) -> None:
    KeyFolder(tmp_path).new()
    for name in (SIGNATURE_KEY, KEK):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        (tmp_path / name).chmod(0o640)
    assert refused_code(lambda: KeyFolder(tmp_path).signer) == "crypto.key_exposed"
    assert refused_code(lambda: KeyFolder(tmp_path).kek) == "crypto.key_exposed"


def test_a_kill_between_two_files_is_healed_by_the_next_run(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.new()
    (tmp_path / SIGNATURE_PUBLIC).unlink()
    (tmp_path / KEK).unlink()
    assert [path.name for path in KeyFolder(tmp_path).new()] == [SIGNATURE_PUBLIC, KEK]
    assert (tmp_path / SIGNATURE_PUBLIC).read_bytes() == folder.own.public(folder.signer.key_id)


def test_a_passphrase_protects_both_secrets(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path, "口令".encode)
    folder.new()
    assert b"ENCRYPTED" in (tmp_path / SIGNATURE_KEY).read_bytes()
    assert folder.kek.secret.hex().encode() not in (tmp_path / KEK).read_bytes()
    again = KeyFolder(tmp_path, "口令".encode)
    assert (again.signer.key_id, again.kek) == (folder.signer.key_id, folder.kek)
    for wrong in (None, lambda: b"other"):
        assert refused_code(lambda wrong=wrong: KeyFolder(tmp_path, wrong).signer) == "crypto.key_unreadable"
        assert refused_code(lambda wrong=wrong: KeyFolder(tmp_path, wrong).kek) == "crypto.key_unreadable"


@pytest.mark.parametrize(
    "text", [b"", b"hcp-kek-1 plain 00", b"hcp-kek-1 plain zz", b"hcp-kek-2 plain " + b"0" * 32, b"\xff"]
)
def test_a_file_that_is_no_kek_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / KEK).write_bytes(text)
    (tmp_path / KEK).chmod(0o600)
    assert refused_code(lambda: KeyFolder(tmp_path).kek) == "crypto.key_unreadable"


def test_missing_keys_name_the_path_and_the_command(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    for read in (lambda: folder.signer, lambda: folder.kek, folder.wrapper, lambda: folder.wrapper("0" * 16)):
        with pytest.raises(Misconfigured) as refused:
            read()  # type: ignore[operator]
        assert refused.value.code == "crypto.key_missing"
        assert str(tmp_path) in refused.value.params["path"]
        assert refused.value.params["command"] in ("gw init", "gw target keys fetch")
    assert folder.verifier("0" * 16) is None
    assert folder.verifier("../../etc/passwd") is None
    assert folder.list() == ()


@pytest.mark.parametrize(
    ("name", "use", "algorithm"),
    [
        ("platform-sm2-sig.pub", "sig", "SGD_SM3_SM2"),
        ("platform-p256-sig.pub", "sig", "ES256"),
        ("platform-sm2-enc.pub", "enc", "SM2"),
        ("platform-rsa3072-enc.pub", "enc", "RSA-OAEP-256"),
    ],
)
def test_a_platform_key_is_pinned_by_its_id(tmp_path: Path, name: str, use: Use, algorithm: str) -> None:
    folder = KeyFolder(tmp_path)
    path = folder.pin(pem(name), use)
    assert folder.pin(pem(name), use) == path
    key_id = path.name.split(".")[0]
    found = folder.verifier(key_id) if use == "sig" else folder.wrapper(key_id)
    assert found is not None
    assert (found.key_id, found.algorithm) == (key_id, algorithm)
    assert [(entry.key_id, entry.algorithm) for entry in folder.list()] == [(key_id, algorithm)]
    other: Use = "enc" if use == "sig" else "sig"
    if use == "enc":
        assert folder.verifier(key_id) is None
    else:
        assert refused_code(lambda: folder.wrapper(key_id)) == "crypto.key_missing"
    if algorithm in {"ES256", "RSA-OAEP-256"}:
        assert refused_code(lambda: folder.pin(pem(name), other)) == "crypto.key_unreadable"


def test_the_only_encryption_key_needs_no_name_and_two_do(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.pin(pem("platform-sm2-enc.pub"), "enc")
    assert folder.wrapper().algorithm == "SM2"
    folder.pin(sm2.generate().spki, "enc")
    assert refused_code(folder.wrapper) == "crypto.key_ambiguous"


def test_a_pinned_file_holding_another_key_is_refused(tmp_path: Path) -> None:
    path = KeyFolder(tmp_path).pin(pem("platform-sm2-sig.pub"), "sig")
    path.write_bytes((HCPB / "TEST-KEY-platform-p256-sig.pub.pem").read_bytes())
    key_id = path.name.split(".")[0]
    assert refused_code(lambda: KeyFolder(tmp_path).verifier(key_id)) == "crypto.key_id_mismatch"
    assert refused_code(lambda: KeyFolder(tmp_path).list()) == "crypto.key_id_mismatch"


def test_the_list_names_our_own_keys_first(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    folder.new()
    folder.pin(pem("platform-sm2-enc.pub"), "enc")
    assert [entry.what for entry in folder.list()] == ["signature", "kek", "platform encryption"]
    assert list(tmp_path.glob(".*")) == []
