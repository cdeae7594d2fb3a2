"""What the page says of a town in trouble, and that an operator can put it right from there."""

from __future__ import annotations

import re
from html import unescape

from gateway.stages.dispatch import dispatch
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.stages.push import push
from gateway.store import audit
from tests.integration.console.conftest import HOST, Desk

PERSONAL = ("userName", "mobile", "certKeyGOV", "certKey", "writingEvaluation", "agentName")


def section(page: str, title: str) -> str:
    """The plain words under one heading."""
    body = page.split(f"<h2>{title}", 1)[1].split("</section>", 1)[0]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def test_each_failure_is_told_with_what_to_do(desk: Desk) -> None:
    page = desk.get()
    assert "有事项需要人工处理" in page
    targets, sources = section(page, "目的地"), section(page, "数据源")
    assert "国家平台" in targets
    assert "已挂起，待处理" in targets
    assert "auth.signature 平台不认可请求签名" in targets
    assert re.search(r"12345 热线 出错重试中 \d+", targets)
    assert "soap.status 对方返回 HTTP 502" in targets
    assert re.search(r"net\.unauthorised \S+ 拒绝了凭据（HTTP 401）", sources)
    assert 'href="sources/portal_guangan/resume"' in page
    assert 'href="targets/national/resume"' in page


def test_counts_per_source_add_up(desk: Desk) -> None:
    cells = re.search(r"合计((?: [\d,]+){6})", section(desk.get(), "数据源"))
    assert cells is not None
    landed, stored, quarantined, duplicate, *_ = (int(cell.replace(",", "")) for cell in cells[1].split())
    assert landed == stored + quarantined + duplicate > 0
    assert landed == desk.town.count("SELECT SUM(landed) FROM raw_page")


def test_quarantine_is_by_reason_and_names_errors_only(desk: Desk) -> None:
    told = section(desk.get(), "隔离区")
    truth = {
        code
        for line in desk.town.sandbox.truth
        if line["source"] == "app_guangan" and line["verdict"] == "wrong"
        for code in line["codes"]
    }
    assert truth
    assert set(re.findall(r" ([a-z_]+\.[a-z_]+) \d", told)) == truth
    assert "{" not in told
    assert "unrated" not in told


def test_a_failed_batch_has_reason_attempts_and_a_button(desk: Desk) -> None:
    page = desk.get()
    batches = section(page, "失败与积压批次")
    assert "auth.signature" in batches
    assert "重发" in batches
    path = re.search(r'href="(batches/\w+)#retry"', page)
    assert path is not None
    detail = desk.get(f"/{path[1]}")
    assert "凭据或地址有误" in detail
    assert "草稿 → 已封包" in detail
    assert f'action="{path[1].split("/")[1]}/retry"' in detail


def test_english_by_a_switch(desk: Desk) -> None:
    page = desk.get("/?lang=en")
    assert "A person must act" in page
    assert "refused the credentials (HTTP 401)" in page
    assert "The other side answered HTTP 502" in page
    assert 'href="targets/national/resume?lang=en"' in page


def test_addresses_are_relative_and_nothing_comes_from_outside(desk: Desk) -> None:
    batch = desk.town.rows("SELECT batch_id FROM batch")[0][0]
    for path in ("/", f"/batches/{batch}", "/targets/national/resume", "/nowhere/at/all"):
        page = desk.client.get(path, headers={"x-user": "admin"}).text
        links = re.findall(r'(?:href|src|action)="([^"]*)"', page)
        assert links
        assert not [link for link in links if link.startswith(("/", "http"))]
        assert "<script" not in page
        assert "style=" not in page
        sheet = re.search(r'rel="stylesheet" href="([^"]*)"', page)
        assert sheet is not None
        folder = path.rpartition("/")[0]
        styles = desk.client.get(f"{HOST}{folder}/{sheet[1]}", headers={"x-user": "admin"})
        assert styles.headers["content-type"].startswith("text/css"), path


def test_no_personal_data_on_any_page(desk: Desk) -> None:
    planted = {
        str(part[name])
        for line in desk.town.sandbox.truth
        for part in (line["service"], line["evaluation"] or {})
        for name in PERSONAL
        if part.get(name)
    }
    assert len(planted) > 300
    pages = [desk.get(path + lang) for path in ("/", "/targets/national/resume") for lang in ("", "?lang=en")]
    pages += [desk.get(f"/batches/{row[0]}") for row in desk.town.rows("SELECT batch_id FROM batch")]
    text = unescape("\n".join(pages))
    assert [value for value in planted if value in text] == []


def test_a_stranger_s_link_makes_the_page_say_nothing(desk: Desk) -> None:
    for query in ("?done=retry&name=<b>x", "?done=hacked&name=x", "?done=target&name=call 555", "?done=target"):
        assert 'class="notice"' not in desk.get(f"/{query}")


def test_an_operator_puts_it_right(desk: Desk) -> None:
    client, context = desk.client, desk.context
    path = "/" + re.search(r'href="(batches/\w+)#retry"', desk.get())[1]  # type: ignore[index]
    batch_id = path.rpartition("/")[2]
    desk.town.sandbox.desks["portal"].mend()
    desk.town.sandbox.desks["hotline"].mend()
    done = []
    for page, act, user in (
        (path, f"{path}/retry", "ops"),
        ("/targets/national/resume", "/targets/national/resume", "admin"),
        ("/sources/portal_guangan/resume", "/sources/portal_guangan/resume", "ops"),
    ):
        answer = client.post(act, data=desk.form(page, user), headers={"x-user": user, "origin": HOST})
        assert answer.status_code == 303, answer.text
        done.append(desk.get(f"{act.rpartition('/')[0]}/{answer.headers['location']}"))
    assert all('class="notice"' in page for page in done)

    again = client.post(f"{path}/retry", data=desk.form("/sources/a/resume", "ops"), headers={"x-user": "ops"})
    assert again.status_code == 409
    assert "batch.not_retriable" in again.text

    with context.store.read() as transaction:
        acts = {(act.act, act.object_id, act.actor, act.reason) for act in audit.recent(transaction)}
    assert acts >= {
        ("batch.retry", batch_id, "ops", "cause is gone"),
        ("target.resume", "national", "admin", "cause is gone"),
        ("source.resume", "portal_guangan", "ops", "cause is gone"),
    }
    for source_id in ("portal_guangan", "hotline_guangan"):
        pull(context, source_id)
    normalise(context)
    dispatch(context)
    push(context, "national")
    told = desk.get()
    assert "没有失败或积压的批次" in told
    assert "已挂起" not in section(told, "目的地") + section(told, "数据源")


def test_a_source_that_nobody_suspended_is_told(desk: Desk) -> None:
    form = desk.form("/targets/national/resume", "ops")
    unknown = desk.client.post("/sources/nowhere/resume", data=form, headers={"x-user": "ops"})
    assert unknown.status_code in (409, 503)
    assert "source.unknown" in unknown.text
