"""The connection types in Airflow: valid for its own schemas, Chinese, one for each kind; their test buttons work."""

from __future__ import annotations

import json
import re
import sqlite3
import tomllib
from pathlib import Path
from typing import Any

import pytest

from connectors import kinds
from gateway.settings import Connection
from tests.acceptance.conftest import ROOT, AirflowHome
from wiring.connections import FORMS, PREFIX, from_form, provider_info

CHINESE = re.compile(r"[\u4e00-\u9fff]")
SECRET = "s3cret-of-the-form"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("forms")
    sqlite3.connect(folder / "front.db").close()
    database = {"engine": "sqlite"}
    connections = {
        "rest_away": {"host": "127.0.0.1", "port": 1, "schema": "http", "password": SECRET},
        "rest_stranger": {"host": "stranger.example", "schema": "https", "password": SECRET},
        "rest_source": {"host": "127.0.0.1", "port": 1, "schema": "http", "extra": {"source": "portal_guangan"}},
        "rest_nobody": {"host": "127.0.0.1", "extra": {"source": "nobody"}},
        "database_there": {"schema": str(folder / "front.db"), "extra": database},
        "database_missing": {"schema": str(folder / "none" / "x.db"), "extra": database},
        "inbox_keys": {"extra": {"keys": json.dumps({"hall_01": SECRET})}},
    }
    environ = {
        f"AIRFLOW_CONN_{name.upper()}": json.dumps({"conn_type": PREFIX + name.rpartition("_")[0], **about})
        for name, about in connections.items()
    }
    home = AirflowHome(folder)
    lines = home.python("tests.acceptance.connection_forms", *connections, **environ, GW_HOME=str(ROOT))
    assert SECRET not in lines
    made: dict[str, Any] = json.loads(lines.splitlines()[-1])
    return made


@pytest.mark.airflow
def test_every_hook_is_what_its_form_says(told: dict[str, Any]) -> None:
    assert {kind: one["same"] for kind, one in told.items()} == dict.fromkeys(kinds(), True)


@pytest.mark.airflow
@pytest.mark.parametrize(
    ("connection", "works", "said"),
    [
        ("rest_away", False, "net.unreachable"),
        ("rest_stranger", False, "net.not_allowed"),
        ("rest_source", False, "net.connect_refused"),
        ("rest_nobody", False, "source.unknown"),
        ("database_there", True, "通过 login"),
        ("database_missing", False, "database.refused"),
        ("inbox_keys", True, "hall_01"),
    ],
)
def test_a_button_says_what_is_wrong_in_chinese(told: dict[str, Any], connection: str, works: bool, said: str) -> None:
    tested = told[connection.rpartition("_")[0]]["tests"][connection]
    assert (tested[0], said in tested[1]) == (works, True), tested
    assert CHINESE.search(tested[1])


def test_every_kind_has_a_form_in_chinese() -> None:
    assert sorted(FORMS) == kinds()
    for form in provider_info()["connection-types"]:
        labels = [form["hook-name"], *form["ui-field-behaviour"]["relabeling"].values()]
        labels += [field["label"] for field in form["conn-fields"].values()]
        assert [label for label in labels if not CHINESE.search(label)] == []


def test_what_is_secret_is_typed_unseen() -> None:
    fields = {name: one for form in FORMS.values() for name, one in form["fields"].items()}
    unseen = {name for name, one in fields.items() if one["schema"].get("format") in ("password", "multiline", "json")}
    assert unseen >= {"cipher_key", "cipher_iv", "sm2_passphrase", "private_key", "keys"}


def test_the_package_registers_them() -> None:
    project = tomllib.loads((Path(ROOT) / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["entry-points"]["apache_airflow_provider"]["provider_info"].partition(":")
    assert (module, name) == (provider_info.__module__, provider_info.__name__)


@pytest.mark.parametrize(
    ("conn_type", "extra", "became"),
    [
        ("gateway_rest", {"ca": ""}, ("http", {})),
        ("gateway_database", {"engine": "postgresql"}, ("postgresql", {})),
        ("gateway_sftp_files", {"host_key": "k"}, ("sftp", {"host_key": "k"})),
        ("gateway_inbox", {"keys": '{"a": "b"}'}, ("http", {"keys": {"a": "b"}})),
        ("mysql", {"url": "x"}, ("mysql", {"url": "x"})),
    ],
)
def test_a_form_becomes_a_connection(conn_type: str, extra: dict[str, Any], became: tuple[str, dict[str, Any]]) -> None:
    made = Connection(**from_form(conn_type, "h", 1, None, None, None, extra))
    assert (made.conn_type, made.extra) == became
