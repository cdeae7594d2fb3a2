"""``gw keys`` and ``gw target keys|indicators`` as an operator meets them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.crypto import sm2
from gateway.crypto.digest import sm3_hex
from gateway.crypto.signers import spki_bytes
from tests.integration.cli.conftest import Operator


def test_a_signature_key_is_changed_with_the_commands_alone(gw: Operator, tmp_path: Path) -> None:
    refused = gw("keys", "rotate", "signature", "--reason", "too early", "--json")
    assert (refused.code, refused.json["error"]) == (4, "keys.none_pending")
    assert gw("keys", "new", "signature", "--json").json["error"] == "act.reason_missing"
    made = gw("keys", "new", "signature", "--reason", "2026 年度换钥", "--days", "400", "--json").json
    assert "gw keys rotate" in gw("status").out
    halves = gw("keys", "export", "--to", str(tmp_path / "out"), "--json").json
    assert {half["state"] for half in halves} == {"pending", "active"}
    for half in halves:
        written = (tmp_path / "out" / f"{half['key_id']}.pub.pem").read_bytes()
        assert half["fingerprint"] == sm3_hex(spki_bytes(written))
        assert b"PRIVATE" not in written
    rotated = gw("keys", "rotate", "signature", "--reason", "平台已登记", "--json").json
    assert rotated["key_id"] == made["key_id"]
    listed = gw("keys", "list", "--json").json["folder"]
    assert [(key["state"]) for key in listed if key["what"] == "signature"] == ["retiring", "active"]
    acts = [(act["act"], act["outcome"]) for act in gw("audit", "list", "--json").json]
    assert acts == [("keys.activate", "done"), ("keys.activate", "begun"), ("keys.new", "done"), ("keys.new", "begun")]


def test_a_key_of_the_platform_s_is_pinned_by_an_act(gw: Operator, tmp_path: Path) -> None:
    file = tmp_path / "platform.pem"
    file.write_bytes(sm2.generate().public.pem)
    pinned = gw("target", "pin", str(file), "--use", "sig", "--reason", "电话核对指纹一致", "--json").json["pinned"]
    (act,) = gw("audit", "list", "--json").json
    assert (act["act"], act["outcome"], act["reason"]) == ("target.pin", "sig", "电话核对指纹一致")
    assert Path(pinned).name == f"{act['object_id']}.sig.pem"


def test_of_several_pending_keys_one_is_named(gw: Operator) -> None:
    """As after a command that was cut off before it printed the id, and was given again."""
    first, second = (gw("keys", "new", "signature", "--reason", "换钥", "--json").json["key_id"] for _ in range(2))
    refused = gw("keys", "rotate", "signature", "--reason", "已登记")
    assert (refused.code, "--key" in refused.out + refused.err, first in refused.out + refused.err) == (4, True, True)
    for wrong in ("0000000000000000", first[:4]):
        assert gw("keys", "rotate", "signature", "--key", wrong, "--reason", "已登记").code == 4
    assert gw("keys", "rotate", "data", "--key", first, "--reason", "已登记").code == 4
    rotated = gw("keys", "rotate", "signature", "--key", second, "--reason", "已登记", "--json").json
    assert rotated["key_id"] == second
    assert gw("keys", "rotate", "signature", "--reason", "已登记", "--json").json["key_id"] == first


def test_check_tries_every_key_and_names_the_wrong_one(gw: Operator) -> None:
    good = gw("keys", "check", "--json")
    assert good.code == 0
    assert {check["what"] for check in good.json["checks"]} == {"store", "signature", "data", "platform"}
    public = gw.var / "keys" / "signature.pub.pem"
    public.write_bytes(sm2.generate().public.pem)
    bad = gw("keys", "check")
    assert bad.code == 5
    assert "keys.pair_unfit" in bad.out


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_doctor_and_status_tell_of_an_end(gw: Operator, lang: str) -> None:
    register = gw.var / "keys" / "own-keys.json"
    keys = json.loads(register.read_text())
    for days, code in ((20, 0), (-20, 5)):
        keys[0]["not_after"] = (datetime.now(UTC) + timedelta(days=days)).isoformat()
        register.write_text(json.dumps(keys))
        gw_keys = gw("--lang", lang, "keys", "check")
        assert gw_keys.code == 0
        assert "gw keys new" in gw_keys.out
        assert "gw keys new" in gw("--lang", lang, "status").out
        gw("target", "pin", str(public(gw, "sig")), "--use", "sig")
        gw("target", "pin", str(public(gw, "enc")), "--use", "enc")
        (told,) = [line for line in gw("--lang", lang, "doctor", "--json").json if line["step"] == "keys"]
        assert told["ok"] is (code == 0)
        assert "gw keys new" in told["detail"]


def public(gw: Operator, use: str) -> Path:
    path = gw.var / f"{use}.pem"
    if not path.exists():
        path.write_bytes(sm2.generate().public.pem)
    return path


def test_nothing_is_applied_that_was_not_fetched(gw: Operator) -> None:
    for kind in ("keys", "indicators"):
        refused = gw("target", kind, "apply", "--reason", "r", "--json")
        assert (refused.code, refused.json["error"]) == (4, "published.nothing_fetched")
    assert gw("target", "indicators", "list", "--json").json == []
