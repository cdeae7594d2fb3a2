"""Our keys in an HSM: the whole push works, and no private key ever leaves the device."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Rejected, Transient
from gateway.stages.delivery_acts import list_batches, show_batch
from gateway.stages.own_keys import activate_key, check_keys, make_key, pending_key
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from gateway.stages.rotate import rewrap_all, rotate
from gateway.store import audit
from tests.integration.delivery.world import evaluation, fill, service
from tests.integration.keys.conftest import HSM_STORE, Build, Hsm


def leaked(home: Path, device: Path) -> list[str]:
    """Files of the gateway that hold a secret of the device, in any of the forms that it could have."""
    forms = []
    for secret in (path.read_bytes() for path in device.glob("*.secret")):
        lines = [line for line in secret.splitlines() if b"-----" not in line and len(line) > 20]
        forms += [secret, secret.hex().encode(), *lines]
    files = [path for path in home.rglob("*") if path.is_file()]
    return [str(path) for path in files if any(form in path.read_bytes() for form in forms)]


def test_the_whole_push_works_and_the_keys_stay_inside(build: Build, hsm: Hsm) -> None:
    site = build(key_store=HSM_STORE)
    context = site.open()
    fill(context, *([service(number), evaluation(number)] for number in range(12)))
    assert push(context, "national").suspended_code is None
    assert site.platform.admin.oracle()["effects"] == {"service": 12, "evaluation": 12, "rectification": 0}
    assert reconcile(context, "national").agreed
    assert [check for check in check_keys(context) if check.error] == []
    assert sorted(path.name for path in context.keys.path.iterdir()) == ["platform"]
    assert len(list(hsm.folder.glob("*.secret"))) == 2
    assert leaked(site.home, hsm.folder) == []


def test_keys_are_rotated_inside(build: Build, hsm: Hsm) -> None:
    site = build(key_store=HSM_STORE)
    context = site.open()
    fill(context, [service(1)])
    push(context, "national")
    former, former_kek = context.keys.signer.key_id, context.keys.kek.kek_id
    made = make_key(context, "SGD_SM3_SM2", 365, "li", "yearly")
    assert context.keys.signer.key_id == former
    site.register(context)
    activate_key(context, pending_key(context, "SGD_SM3_SM2"), "li", "registered")
    rewrap_all(context, "li", "yearly")
    rotate(context, "li", "yearly")
    assert context.keys.kek.kek_id != former_kek
    anew = site.open()
    fill(anew, [service(2)])
    assert push(anew, "national").suspended_code is None
    keys = {show_batch(anew, line.batch_id).sender_key_id for line in list_batches(anew)}
    assert keys == {former, made.key_id}
    assert site.platform.admin.oracle()["effects"]["service"] == 2
    assert leaked(site.home, hsm.folder) == []
    with anew.store.read() as transaction:
        acts = [(act.act, act.outcome) for act in audit.recent(transaction)]
    for act in ("keys.new", "keys.activate"):
        assert acts.index((act, "done")) < acts.index((act, "begun"))
    with pytest.raises(Rejected, match=r"keys\.none_pending"):
        pending_key(anew, "SGD_SM3_SM2")


def test_a_device_that_is_away_loses_nothing(build: Build, hsm: Hsm) -> None:
    site = build(key_store=HSM_STORE)
    context = site.open()
    fill(context, [service(1)])
    hsm.stop()
    with pytest.raises(Transient):
        push(context, "national")
    with pytest.raises(Transient):
        site.open()
    hsm.start()
    push(context, "national")
    assert site.platform.admin.oracle()["effects"]["service"] == 1
