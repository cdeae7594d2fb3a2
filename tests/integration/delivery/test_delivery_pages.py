"""The operations page's acts on batches: asked first, guarded, done once, told in Chinese and English."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from gateway.console.app import create_app
from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches
from gateway.stages.push import push
from gateway.store import audit
from sandbox.platform.running import RunningPlatform
from tests.integration.console.conftest import GUARDS, HOST, TestClient
from tests.integration.delivery.test_delivery_push import states
from tests.integration.delivery.world import fill, service


@pytest.fixture
def store_url(tmp_path: Path, sqlite_template: Path) -> str:
    """One kind of database is enough here: what is said is not what is stored."""
    return f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'gateway.db')}"


@pytest.fixture
def page(context: Context) -> Iterator[TestClient]:
    with TestClient(create_app(lambda: context, GUARDS), base_url=HOST, follow_redirects=False) as client:
        yield client


def look(page: TestClient, path: str, user: str = "ops") -> str:
    answer = page.get(path, headers={"x-user": user})
    assert answer.status_code == 200, answer.text
    return re.sub(r"\s+", " ", unescape(answer.text))


def act(page: TestClient, path: str, user: str = "ops") -> str:
    """Ask, confirm, and what the page says afterwards; the way there is the redirect's own."""
    token = re.search(r'name="token" value="(\w+)"', look(page, path, user))
    assert token is not None
    form = {"token": token[1], "reason": "已核对"}
    answer = page.post(path, data=form, headers={"x-user": user, "origin": HOST})
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    root = "/" if location.count("../") == path.count("/") - 1 else "/nowhere/"
    return look(page, root + location.lstrip("./"), user)


def refused_for_now(context: Context, platform: RunningPlatform) -> str:
    fill(context, *([service(number)] for number in range(4)))
    platform.admin.fault("retry_after", seconds=300, call="batches")
    push(context, "national")
    return list_batches(context)[0].batch_id


def test_hold_and_cancel_by_the_page(page: TestClient, context: Context, platform: RunningPlatform) -> None:
    batch_id = refused_for_now(context, platform)
    told = look(page, f"/batches/{batch_id}")
    assert f'href="{batch_id}/acts/suspend"' in told
    assert "acts/cancel" not in told
    assert "批次已挂起" not in told
    assert f"批次 {batch_id[:12]} 已挂起" in act(page, f"/batches/{batch_id}/acts/suspend")
    assert "不能撤销" in look(page, f"/batches/{batch_id}/acts/cancel")
    assert "gw batch cancel" in look(page, f"/batches/{batch_id}/acts/cancel")
    act(page, f"/batches/{batch_id}/acts/cancel")
    assert states(context) == ["CANCELLED"]
    with context.store.read() as transaction:
        done = [(one.act, one.actor, one.reason) for one in audit.recent(transaction)]
    assert sorted(done) == [("batch.cancel", "ops", "已核对"), ("batch.suspend", "ops", "已核对")]
    push(context, "national")
    assert platform.admin.oracle()["effects"]["service"] == 4


def test_an_act_that_no_longer_fits_is_refused(page: TestClient, context: Context, platform: RunningPlatform) -> None:
    batch_id = refused_for_now(context, platform)
    form = {"token": GUARDS.token("ops"), "reason": "r"}
    refused = page.post(f"/batches/{batch_id}/acts/resume", data=form, headers={"x-user": "ops"})
    assert refused.status_code == 409
    assert "batch.act_unfit" in refused.text


def test_a_dispute_is_settled_by_two_on_the_page(page: TestClient, context: Context, platform: RunningPlatform) -> None:
    fill(context, [service(1)])
    push(context, "national")
    batch_id = list_batches(context)[0].batch_id
    with context.store.begin() as transaction:
        transaction.exec_driver_sql("UPDATE batch SET state = 'DISPUTED'")
    assert "等待另一人复核" in act(page, f"/batches/{batch_id}/acts/resolve")
    stuck = look(page, "/stuck")
    assert "待第二人复核" in stuck
    approval = re.search(r'href="\./(approvals/\w+)"', stuck)
    assert approval is not None
    form = {"token": GUARDS.token("ops"), "reason": "r"}
    own = page.post(f"/{approval[1]}", data=form, headers={"x-user": "ops"})
    assert (own.status_code, "act.same_person" in own.text) == (409, True)
    assert "已复核并执行" in act(page, f"/{approval[1]}", "admin")
    assert states(context) == ["RECONCILED"]
    assert "没有滞留" in look(page, "/stuck")
    assert "Nothing stands still" in look(page, "/stuck?lang=en")


def test_what_stands_still_is_on_the_page(page: TestClient, context: Context, platform: RunningPlatform) -> None:
    fill(context, [service(1)])
    platform.admin.fault("auth", code="auth.signature", call="batches")
    push(context, "national")
    stuck = look(page, "/stuck")
    assert "auth.signature" in stuck
    assert "密钥或凭据管理员" in stuck
    assert list_batches(context)[0].batch_id in stuck
