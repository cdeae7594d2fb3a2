"""The operations page over a town in trouble, with guards of the tests' own: users are told by a header."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from fastapi import HTTPException, Request

from gateway.console.app import Guards, create_app
from gateway.errors import GatewayError
from gateway.stages.context import Context
from gateway.stages.dispatch import dispatch
from gateway.stages.normalise import normalise
from gateway.stages.pull import pull
from gateway.stages.push import push
from tests.deployment import Deployment, deployment

with warnings.catch_warnings():  # Starlette asks for httpx2; Airflow brings httpx
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

ROLES = {"admin": "admin", "ops": "op", "viewer": "viewer"}
HOST = "http://gateway.test"


def may_view(request: Request) -> None:
    if request.headers.get("x-user") not in ROLES:
        raise HTTPException(401)


def may_act(request: Request) -> None:
    if ROLES[request.headers["x-user"]] == "viewer":
        raise HTTPException(403)


def user_name(request: Request) -> str:
    return request.headers["x-user"]


GUARDS = Guards(may_view, may_act, user_name, "s3cret")


@dataclass
class Desk:
    """A browser's place before the page, and the town behind it."""

    town: Deployment
    context: Context
    client: TestClient

    def get(self, path: str = "/", user: str | None = "admin") -> str:
        answer = self.client.get(path, headers={} if user is None else {"x-user": user})
        assert answer.status_code == 200, answer.text
        return answer.text

    def form(self, path: str, user: str) -> dict[str, str]:
        """The form on that page, filled in."""
        found = re.search(r'name="token" value="(\w+)"', self.get(path, user))
        assert found is not None
        return {"token": found[1], "reason": "cause is gone"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The portal answers 401, 12345 a 502 page, the kiosk's server is down, the platform doesn't know our signature."""
    with deployment(tmp_path_factory.mktemp("console"), records=240, seed=5, batch_records=150) as town:
        context = town.open()
        desks = town.sandbox.desks
        desks["portal"].fault("401")
        desks["hotline"].fault("502")
        pull(context, "app_guangan")
        for source_id in ("portal_guangan", "hotline_guangan"):
            attempt(pull, context, source_id)
        normalise(context)
        dispatch(context)
        with_wrong_token = town.open(connections={"national": wrong_token(town)})
        push(with_wrong_token, "national")
        with_wrong_token.store.close()
        with TestClient(create_app(lambda: context, GUARDS), base_url=HOST, follow_redirects=False) as client:
            yield Desk(town, context, client)
        context.store.close()


def attempt(act: object, *given: object) -> None:
    try:
        act(*given)  # type: ignore[operator]
    except GatewayError:
        return
    raise AssertionError("no failure")


def wrong_token(town: Deployment) -> object:
    connection = town.settings().connection("national")
    return connection.model_copy(update={"password": type(connection.password)("wrong")})
