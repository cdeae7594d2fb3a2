"""The page in a real api-server: the plugin's guards, with Airflow's own users."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway.bootstrap import initialise, open_context
from gateway.console.app import create_app
from gateway.settings import load
from gateway.stages.context import Context
from gateway.store import audit, sources
from sandbox.demo.airflow import Airflow, clean_environ
from sandbox.demo.processes import Processes
from tests.acceptance.conftest import PATIENCE, ROOT
from tests.contract.rigs import LOOPBACK, PortalRig, record
from tests.integration.console.conftest import GUARDS
from tests.integration.console.routes import walk
from wiring.connections import FORMS

pytestmark = pytest.mark.airflow
SOURCE = "portal_guangan"


@dataclass
class Served:
    """A running api-server and the gateway that its page shows."""

    airflow: Airflow
    context: Context
    session: requests.Session = field(default_factory=requests.Session)
    tokens: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, user: str | None = None, *, cookie: bool = False, **more: Any) -> Any:
        """Log in as ``user`` by a bearer token, or with nothing but the cookie that a browser holds."""
        token = None if user is None else self.token(user)
        headers = {"Authorization": f"Bearer {token}"} if token and not cookie else {}
        cookies = {"_token": token} if token and cookie else {}
        url = self.airflow.url + path
        return self.session.request(
            method, url, headers=headers, cookies=cookies, timeout=30, allow_redirects=False, **more
        )

    def token(self, user: str) -> str:
        if user not in self.tokens:
            login = {"username": user, "password": self.airflow.passwords[user]}
            answer = self.session.post(f"{self.airflow.url}/auth/token", json=login, timeout=30)
            self.tokens[user] = answer.json()["access_token"]
            self.session.cookies.clear()
        return self.tokens[user]


@pytest.fixture(scope="module")
def served(migrated_airflow: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home, var = tmp_path_factory.mktemp("page"), tmp_path_factory.mktemp("var")
    environ = {"GW_HOME": str(ROOT), "GW_VAR": str(var)}
    initialise(load(environ))
    context = open_context(load(environ))
    shutil.copy(migrated_airflow, home / "migrated.db")
    processes = Processes()
    served = Served(Airflow(home, ROOT, {**clean_environ(), **environ}, processes), context)
    served.session.trust_env = False
    try:
        served.airflow.prepare()
        served.airflow.start([("api-server",)])
        wait_until_up(served, processes)
        yield served
    finally:
        processes.stop()
        context.store.close()
        served.session.close()


def wait_until_up(served: Served, processes: Processes) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        processes.check_alive()
        try:
            if "metadatabase" in served.call("GET", "/api/v2/monitor/health").text:
                return
        except requests.ConnectionError:
            time.sleep(0.3)
    raise AssertionError("the api-server did not come up")


def test_every_route_without_a_login_is_401(served: Served) -> None:
    app = create_app(lambda: served.context, GUARDS)
    answers = {(method, path): served.call(method, f"/gateway{path}").status_code for method, path in walk(app)}
    assert set(answers.values()) == {401}, answers


def test_a_made_up_token_opens_nothing(served: Served) -> None:
    for headers in ({"Authorization": "Bearer made.up.token"}, {"Cookie": "_token=made.up.token"}):
        answer = served.session.get(f"{served.airflow.url}/gateway/", headers=headers, timeout=30)
        assert answer.status_code in (401, 403)
        assert "gw status" not in answer.text


def test_a_viewer_looks_and_cannot_act(served: Served) -> None:
    for cookie in (False, True):
        page = served.call("GET", "/gateway/", "viewer", cookie=cookie)
        assert page.status_code == 200
        assert "viewer" in page.text
        for path in ("/gateway/batches/x/retry", f"/gateway/sources/{SOURCE}/resume", "/gateway/targets/x/resume"):
            assert served.call("POST", path, "viewer", cookie=cookie, data={"reason": "r"}).status_code == 403


@pytest.mark.parametrize("user", ["ops", "admin"])
def test_operators_act_by_our_form_alone_and_are_named(served: Served, user: str) -> None:
    with served.context.store.begin() as transaction:
        sources.start(transaction, SOURCE, datetime.now(UTC))
        sources.suspend(transaction, SOURCE, "net.unauthorised", "{}")
    path = f"/gateway/sources/{SOURCE}/resume"
    form = served.call("GET", path, user, cookie=True).text
    token = form.split('name="token" value="', 1)[1].split('"', 1)[0]
    filled = {"token": token, "reason": f"password of {user}"}

    assert served.call("POST", path, user, cookie=True, data={"reason": "r"}).status_code == 403
    done = served.call("POST", path, user, cookie=True, data=filled)

    assert done.status_code == 303
    assert done.headers["location"].startswith("../../?")
    with served.context.store.read() as transaction:
        state = sources.state(transaction, SOURCE)
        acts = [(act.act, act.object_id, act.actor, act.reason) for act in audit.recent(transaction)]
    assert state is not None
    assert state.suspended_code is None
    assert ("source.resume", SOURCE, user, f"password of {user}") in acts


def test_the_page_stands_in_airflow_s_own_navigation(served: Served) -> None:
    plugins = served.call("GET", "/api/v2/plugins", "admin").json()["plugins"]
    views = [view for plugin in plugins for view in plugin["external_views"] if plugin["name"] == "gateway_console"]
    assert [(view["name"], view["destination"], view["url_route"]) for view in views] == [
        ("好差评网关", "nav", "gateway")
    ]
    assert not views[0]["href"].startswith("/")  # it follows Airflow's base URL
    framed = served.call("GET", f"/{views[0]['href']}", "admin", cookie=True)
    assert framed.status_code == 200
    assert "x-frame-options" not in {name.lower() for name in framed.headers}
    assert "frame-ancestors 'self'" in framed.headers["content-security-policy"]


@pytest.fixture
def portal() -> Iterator[PortalRig]:
    made = PortalRig()
    yield made
    made.close()


def press(served: Served, kind: str, user: str = "admin", **form: Any) -> Any:
    """What the test button of Airflow's connection form does: the form's values, saved nowhere."""
    extra = json.dumps(form.pop("extra", {}))
    values = {"connection_id": "form", "conn_type": f"gateway_{kind}", "extra": extra, **form}
    return served.call("POST", "/api/v2/connections/test", user, json=values)


def test_the_test_button_goes_through_a_source_s_own_steps(served: Served, portal: PortalRig) -> None:
    portal.add(record(1))
    form = {"host": LOOPBACK, "port": portal.double.port, "schema": "http", "login": "gw", "password": "right"}
    good = press(served, "rest", **form, extra={"source": SOURCE}).json()
    assert good["status"] is True, good
    assert [part.split()[0] for part in good["message"].split("；")] == ["通过"] * 3
    wrong = press(served, "rest", **form | {"password": "s3cret"}, extra={"source": SOURCE}).json()
    assert (wrong["status"], "rest.login_refused" in wrong["message"]) == (False, True)
    assert "s3cret" not in str(wrong)


@pytest.mark.parametrize("kind", FORMS)
def test_every_kind_has_its_button_and_it_speaks_chinese(served: Served, kind: str) -> None:
    form = {"host": LOOPBACK, "port": 1, "schema": "http", "password": "s3cret"}
    answer = press(served, kind, **form)
    told = answer.json()
    assert (answer.status_code, told["status"]) == (200, False), told
    assert re.search(r"[\u4e00-\u9fff]", told["message"])
    assert "s3cret" not in told["message"]
    assert press(served, kind, "viewer", **form).status_code == 403


def test_the_forms_are_offered_in_chinese(served: Served) -> None:
    metas = {one["connection_type"]: one for one in served.call("GET", "/ui/connections/hook_meta", "admin").json()}
    for kind, form in FORMS.items():
        meta = metas[f"gateway_{kind}"]
        assert meta["hook_name"] == form["name"]
        assert set(form["fields"]) < set(meta["extra_fields"])
