"""Who gets in: every route without a user is 401, a viewer looks and can't act, an act comes from our own form."""

from __future__ import annotations

import pytest
from fastapi import FastAPI

from gateway.console.app import create_app
from gateway.errors import Misconfigured
from gateway.stages.context import Context
from tests.integration.console.conftest import GUARDS, HOST, TestClient
from tests.integration.console.routes import walk


def unready() -> Context:
    raise Misconfigured("store.schema_old", address="db", found="none", expected="0001", command="gw init")


@pytest.fixture
def app() -> FastAPI:
    return create_app(unready, GUARDS)


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url=HOST, follow_redirects=False)


def test_every_route_without_a_user_is_401(app: FastAPI, client: TestClient) -> None:
    answers = {(method, path): client.request(method, path) for method, path in walk(app)}
    assert {answer.status_code for answer in answers.values()} == {401}
    assert not any("gw " in answer.text for answer in answers.values())


def test_every_act_of_a_viewer_is_403(app: FastAPI, client: TestClient) -> None:
    acts = [path for method, path in walk(app) if method == "POST" and path.count("/") > 1]
    assert len(acts) == 5
    for path in acts:
        form = {"token": GUARDS.token("viewer"), "reason": "r"}
        assert client.post(path, data=form, headers={"x-user": "viewer"}).status_code == 403


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        ({"reason": "r"}, {}, 403),
        ({"reason": "r", "token": "0" * 64}, {}, 403),
        ({"reason": "r", "token": "é"}, {}, 403),
        ({"reason": "r", "token": GUARDS.token("admin")}, {}, 403),  # another user's
        ({"reason": "r", "token": GUARDS.token("ops")}, {"origin": "https://elsewhere.test"}, 403),
        ({"reason": "r", "token": GUARDS.token("ops")}, {"origin": "null"}, 403),
        ({"reason": " ", "token": GUARDS.token("ops")}, {"origin": HOST}, 422),
        ({"reason": "r" * 201, "token": GUARDS.token("ops")}, {}, 422),
        ({"reason": "r" * 5000, "token": GUARDS.token("ops")}, {}, 413),
        ({"reason": "r", "token": GUARDS.token("ops")}, {"origin": HOST}, 503),  # let in, and told what is missing
    ],
)
def test_an_act_comes_from_our_own_form(
    client: TestClient, form: dict[str, str], headers: dict[str, str], status: int
) -> None:
    for path in ("/targets/national/resume", "/sources/a/resume", "/batches/b/retry", "/batches/b/acts/cancel"):
        answer = client.post(path, data=form, headers={"x-user": "ops", **headers})
        assert answer.status_code == status, path
        assert 'class="verdict bad"' in answer.text


def test_nothing_is_done_by_looking(client: TestClient) -> None:
    for path in ("/targets/national/retry", "/batches/b/retry", "/sources/a", "/batches/b/acts/burn"):
        assert client.get(path, headers={"x-user": "admin"}).status_code == 404


def test_a_gateway_that_is_not_ready_says_what_to_do(client: TestClient) -> None:
    answer = client.get("/", headers={"x-user": "viewer"})
    assert answer.status_code == 503
    assert "gw init" in answer.text
    assert "gw init" in client.get("/?lang=en", headers={"x-user": "viewer"}).text


def test_pages_may_load_and_reach_nothing_else(client: TestClient) -> None:
    for path, user in (("/", "admin"), ("/style.css", "admin"), ("/nowhere", "admin"), ("/", "nobody")):
        headers = client.get(path, headers={"x-user": user}).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
