"""The portal's and the app's doubles, called by an ordinary HTTP client."""

from __future__ import annotations

import json
import time
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
import requests

from sandbox.town import Sandbox


def log_in(town: Sandbox, **wrong: str) -> requests.Response:
    secret = town.connections["portal"]
    credentials = {"username": secret["login"], "password": secret["password"], **wrong}
    return requests.post(f"{town.urls['portal']}/api/login", json=credentials, timeout=10)


def token(town: Sandbox) -> dict[str, str]:
    return {"Authorization": f"Bearer {log_in(town).json()['data']['token']}"}


def page(town: Sandbox, headers: dict[str, str], **query: Any) -> requests.Response:
    return requests.get(f"{town.urls['portal']}/api/evaluations", params=query, headers=headers, timeout=10)


def signed(town: Sandbox, **wrong: str) -> dict[str, str]:
    connection = town.connections["app"]
    stamp, nonce = wrong.get("timestamp", str(int(time.time()))), wrong.get("nonce", uuid4().hex)
    secret = wrong.get("token", connection["password"])
    signature = sha256(f"{stamp}{secret}{nonce}{stamp}".encode()).hexdigest()
    paasid = wrong.get("paasid", connection["login"])
    return dict(
        zip(
            ("x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature"),
            (paasid, stamp, nonce, signature),
            strict=True,
        )
    )


def pull(town: Sandbox, headers: dict[str, str], **query: Any) -> requests.Response:
    return requests.get(f"{town.urls['app']}/openapi/v2/evaluations", params=query, headers=headers, timeout=10)


def sent_ids(town: Sandbox, source: str) -> list[str]:
    return [line["upstream_id"] for line in town.truth if line["source"] == source]


def test_portal_pages_hold_everything_in_order(town: Sandbox) -> None:
    headers = token(town)
    found = [page(town, headers, page=number, pageSize=100).json()["data"] for number in (1, 2, 3)]
    records = [record for data in found for record in data["list"]]
    assert [record["id"] for record in records] == sent_ids(town, "portal_guangan")
    assert {data["total"] for data in found} == {240}
    assert records == sorted(records, key=lambda record: (record["updatedAt"], record["id"]))


def test_portal_looks_up_by_change_inclusively(town: Sandbox) -> None:
    headers = token(town)
    records = page(town, headers).json()["data"]["list"]
    after = records[100]["updatedAt"]
    later = page(town, headers, updatedAfter=after).json()["data"]["list"]
    assert later == [record for record in records if record["updatedAt"] >= after]


def test_portal_refuses_wrong_credentials_tokens_and_parameters(town: Sandbox) -> None:
    assert log_in(town, password="wrong").status_code == 401
    assert page(town, {}).status_code == 401
    assert page(town, {"Authorization": "Bearer nonsense"}).status_code == 401
    headers = token(town)
    assert page(town, headers, pageSize=501).status_code == 400
    assert page(town, headers, updatedAfter="2026-11-20").status_code == 400


def test_portal_token_expires(town: Sandbox) -> None:
    headers = token(town)
    assert page(town, headers).status_code == 200
    town.desks["portal"].post("/sandbox/expire")
    assert page(town, headers).status_code == 401


def test_app_cursor_walks_through_everything_once(town: Sandbox) -> None:
    cursor, ids = "", []
    while True:
        result = pull(town, signed(town), cursor=cursor, limit=50).json()["result"]
        ids += [record["evalId"] for record in result["items"]]
        cursor = result["nextCursor"]
        if not result["hasMore"]:
            break
    assert ids == sent_ids(town, "app_guangan")
    assert pull(town, signed(town), cursor=cursor).json()["result"]["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [{"paasid": "other"}, {"timestamp": "1700000000"}, {"token": "other"}, {"nonce": "n" * 65}, {"timestamp": "x"}],
)
def test_app_refuses_what_is_not_signed_right(town: Sandbox, wrong: dict[str, str]) -> None:
    assert pull(town, signed(town, **wrong)).status_code == 401


def test_app_takes_a_nonce_once(town: Sandbox) -> None:
    headers = signed(town)
    assert pull(town, headers).status_code == 200
    assert pull(town, headers).status_code == 401
    assert pull(town, signed(town), cursor="bm9uc2Vuc2U").status_code == 400


def test_http_faults_strike_as_often_as_ordered(town: Sandbox) -> None:
    desk, headers = town.desks["portal"], token(town)
    desk.fault("502", times=1)
    desk.fault("503", times=1, seconds=7)
    desk.fault("401", times=1)
    desk.fault("garbage", times=1)
    answers = [page(town, headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [502, 503, 401, 200, 200]
    assert answers[0].headers["content-type"].startswith("text/html")
    assert answers[1].headers["retry-after"] == "7"
    with pytest.raises(ValueError, match=r"."):
        json.loads(answers[3].content)
    assert answers[4].json()["code"] == 0


@pytest.mark.parametrize("kind", ["down", "cut", "lose_reply"])
def test_broken_connections_break(town: Sandbox, kind: str) -> None:
    headers = token(town)
    town.desks["portal"].fault(kind, times=1, match="/api/evaluations")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        page(town, headers)
    assert page(town, headers).status_code == 200


def test_an_unknown_fault_is_refused(town: Sandbox) -> None:
    with pytest.raises(requests.HTTPError):
        town.desks["portal"].fault("earthquake")


def test_oracle_counts_what_was_sent(town: Sandbox) -> None:
    before = town.desks["app"].oracle()
    pull(town, signed(town), limit=10)
    after = town.desks["app"].oracle()
    assert after["records_sent"] - before["records_sent"] == 10
    assert after["records"] == 180


def test_killed_double_refuses_and_comes_back_where_it_was(town: Sandbox) -> None:
    url = town.urls["portal"]
    town.kill("portal")
    with pytest.raises(requests.ConnectionError):
        log_in(town)
    town.restart("portal")
    assert town.urls["portal"] == url
    assert log_in(town).status_code == 200
