"""Key pairs in files: made, registered, put into use, retired; under a passphrase that is only named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.bootstrap import initialise, key_folder, open_context
from gateway.cli.key_waits import keys_waiting
from gateway.crypto.key_pairs import KINDS, load_pair, private_pem, public_pem
from gateway.crypto.key_store import ACTIVE, RETIRING
from gateway.crypto.keys import KEK, SIGNATURE_KEY
from gateway.crypto.own_keys import REGISTER, OwnKeyFiles
from gateway.errors import Misconfigured, Rejected
from gateway.settings import load
from gateway.stages.delivery_acts import list_batches, show_batch
from gateway.stages.own_keys import activate_key, check_keys, key_warnings, make_key, public_halves
from gateway.stages.push import push
from tests.integration.delivery.world import evaluation, fill, service
from tests.integration.keys.conftest import Site
from tests.integration.store.portal_data import Clock, settings_of

ALL = ("SGD_SM3_SM2", "ES256", "SM2", "RSA-OAEP-256")


def states(files: OwnKeyFiles) -> dict[str, str]:
    return {entry.key_id: entry.state for entry in files.entries() if entry.what != "kek"}


def test_a_new_key_signs_only_once_it_is_in_use(site: Site) -> None:
    context = site.open()
    former = context.keys.signer.key_id
    made = make_key(context, "SGD_SM3_SM2", 365, "li", "yearly")
    fill(context, [service(1), evaluation(1)])
    push(context, "national")
    site.register(context)
    activate_key(context, made.key_id, "li", "registered")
    fill(context, [service(2), evaluation(2)])
    assert push(context, "national").suspended_code is None
    signed_by = [show_batch(context, line.batch_id).sender_key_id for line in reversed(list_batches(context))]
    assert signed_by == [former, made.key_id]
    assert states(OwnKeyFiles(context.keys.path)) == {former: RETIRING, made.key_id: ACTIVE}
    assert activate_key(context, made.key_id, "li", "again").state == ACTIVE
    with pytest.raises(Rejected, match=r"keys\.not_pending"):
        activate_key(context, former, "li", "back")
    with pytest.raises(Rejected, match=r"act\.reason_missing"):
        activate_key(context, made.key_id, "li", " ")


@pytest.mark.parametrize("suite", ["GM-GCM-1", "GM-CBC-1", "INTL-1"])
def test_every_suite_reaches_the_platform(site: Site, suite: str) -> None:
    site.suite(suite)
    context = site.open()
    if suite == "INTL-1":
        fill(context, [service(9)])
        with pytest.raises(Misconfigured, match=r"crypto\.key_missing"):
            push(context, "national")
        activate_key(context, make_key(context, "ES256", 365, "li", "intl").key_id, "li", "registered")
        site.register(context)
    fill(context, *([service(number), evaluation(number)] for number in range(3)))
    assert push(context, "national").suspended_code is None
    assert site.platform.admin.oracle()["effects"]["evaluation"] == 3
    assert {show_batch(context, line.batch_id).suite for line in list_batches(context)} == {suite}


@pytest.mark.parametrize("algorithm", ALL)
def test_pairs_of_every_algorithm_pass_their_check(tmp_path: Path, algorithm: str) -> None:
    config = settings_of(f"sqlite:///{tmp_path / 'gateway.db'}", tmp_path / "var")
    initialise(config)
    context = open_context(config, Clock())
    entry = make_key(context, algorithm, 30, "li", "r")
    activate_key(context, entry.key_id, "li", "r")
    assert [check for check in check_keys(context) if check.error] == []
    assert len(public_halves(context.keys, entry.key_id)) == 1
    path = entry.path
    assert path is not None
    assert path.stat().st_mode & 0o777 == 0o600
    (context.keys.path / path.name.replace(".key.", ".pub.")).write_bytes(
        OwnKeyFiles(context.keys.path).public(make_key(context, algorithm, 30, "li", "other").key_id)
    )
    wrong = {check.key_id: check.error.code for check in check_keys(context) if check.error}
    assert wrong == {entry.key_id: "keys.pair_unfit" if entry.what == "signature" else "crypto.damaged"}
    context.store.close()


@pytest.mark.parametrize("algorithm", ALL)
def test_a_passphrase_encrypts_pairs_of_every_algorithm(algorithm: str) -> None:
    key = KINDS[algorithm].generate()
    text = private_pem(key, b"secret")
    assert b"ENCRYPTED" in text
    assert public_pem(load_pair(algorithm, text, b"secret")) == public_pem(key)
    for wrong in (None, b"other"):
        with pytest.raises(Misconfigured, match=r"crypto\.key_unreadable"):
            load_pair(algorithm, text, wrong)
    other = next(name for name in ALL if name[0] != algorithm[0])
    with pytest.raises(Misconfigured, match=r"crypto\.key_unreadable"):
        load_pair(other, private_pem(key, None), None)


def secret_file(folder: Path, text: str = "口令\n", mode: int = 0o600) -> str:
    path = folder / "passphrase"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return f"file:{path}"


def test_the_passphrase_is_named_and_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    var = {"GW_VAR": str(tmp_path / "var"), "GW_KEY_PASSPHRASE": "env:KEYS_OF_THE_PROVINCE"}
    with pytest.raises(Misconfigured, match=r"config\.passphrase_missing"):
        key_folder(load(var)).new()
    monkeypatch.setenv("KEYS_OF_THE_PROVINCE", "长城-8848")
    folder = key_folder(load(var))
    folder.new()
    keys = tmp_path / "var" / "keys"
    assert b"ENCRYPTED" in (keys / SIGNATURE_KEY).read_bytes()
    assert (keys / KEK).read_text().startswith("hcp-kek-1 pbkdf2-sm3")
    assert not [path for path in keys.rglob("*") if path.is_file() and "长城-8848".encode() in path.read_bytes()]
    assert "长城" not in repr(load(var))
    again = key_folder(load(var))
    assert (again.signer.key_id, again.kek.kek_id) == (folder.signer.key_id, folder.kek.kek_id)
    by_file = key_folder(load(var | {"GW_KEY_PASSPHRASE": secret_file(tmp_path, "长城-8848\n")}))
    assert by_file.signer.key_id == folder.signer.key_id
    for text, mode, code in (
        ("other", 0o600, "crypto.key_unreadable"),
        ("\n", 0o600, "config.passphrase_missing"),
        ("x", 0o644, "config.passphrase_exposed"),
    ):
        with pytest.raises(Misconfigured) as refused:
            _ = key_folder(load(var | {"GW_KEY_PASSPHRASE": secret_file(tmp_path, text, mode)})).signer
        assert refused.value.code == code
    with pytest.raises(Misconfigured, match=r"config\.passphrase_missing"):
        _ = key_folder(load(var | {"GW_KEY_PASSPHRASE": f"file:{tmp_path}/nowhere"})).signer
    with pytest.raises(Misconfigured, match=r"config\.setting_invalid"):
        load(var | {"GW_KEY_PASSPHRASE": "长城-8848"})


def test_a_key_store_that_is_not_there_is_told(tmp_path: Path) -> None:
    for store in ("gateway.nowhere:open", "gateway.settings:nothing"):
        with pytest.raises(Misconfigured, match=r"config\.key_store_invalid"):
            key_folder(load({"GW_VAR": str(tmp_path), "GW_KEY_STORE": store}))


def test_ends_are_told_before_they_come(site: Site) -> None:
    context = site.open()
    assert key_warnings(context) == []
    end = OwnKeyFiles(context.keys.path).entries()[0].not_after
    assert end is not None
    site.shift = end - site.clock() - timedelta(days=10)
    (soon, aged) = key_warnings(context)
    assert (soon.code, soon.days) in (("key_expires", 9), ("key_expires", 10))
    assert aged.code == "data_key_old"
    site.shift += timedelta(days=11)
    assert key_warnings(context)[0].code == "key_expired"
    make_key(context, "SGD_SM3_SM2", 365, "li", "r")
    assert {warning.code for warning in key_warnings(context)} == {"key_expired", "key_pending", "data_key_old"}
    for wait in keys_waiting(context):
        for lang in ("zh", "en"):
            assert "wait." not in wait.sentence(lang)  # type: ignore[arg-type]
    fill(context, [service(1)])


def test_a_folder_without_a_register_goes_on(tmp_path: Path) -> None:
    """As releases before this one left it."""
    config = settings_of(f"sqlite:///{tmp_path / 'gateway.db'}", tmp_path / "var")
    initialise(config)
    register = tmp_path / "var" / "keys" / REGISTER
    register.unlink()
    context = open_context(config, Clock())
    first = context.keys.signer.key_id
    made = make_key(context, "SGD_SM3_SM2", 30, "li", "r")
    activate_key(context, made.key_id, "li", "r")
    assert states(OwnKeyFiles(context.keys.path)) == {first: RETIRING, made.key_id: ACTIVE}
    register.write_text("[{}]")
    with pytest.raises(Misconfigured, match=r"crypto\.key_unreadable"):
        _ = OwnKeyFiles(context.keys.path).entries()
    context.store.close()
