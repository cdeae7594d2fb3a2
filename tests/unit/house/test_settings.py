"""Settings: one place, one sentence for every wrong value."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.settings import load

PORTAL = '{"host": "127.0.0.1", "port": 8001, "schema": "http", "login": "u", "password": "s3cret"}'


def test_defaults_work_on_one_machine(tmp_path: Path) -> None:
    settings = load({}, home=tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/var/gateway.db"
    assert settings.mappings_dir == tmp_path / "mappings"


def test_environment_beats_files_and_files_beat_defaults(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "sandbox.env").write_text("GW_SENDER=110000000000\nGW_CHUNK=7\n", encoding="utf-8")
    (tmp_path / ".env").write_text("GW_SENDER=120000000000\n", encoding="utf-8")
    assert load({}, home=tmp_path).sender == "120000000000"
    assert load({"GW_SENDER": "310000000000"}, home=tmp_path).sender == "310000000000"
    assert load({"GW_SENDER": ""}, home=tmp_path).chunk == 7


def test_a_connection_hides_its_secret(tmp_path: Path) -> None:
    settings = load({"GW_CONN_PORTAL": PORTAL}, home=tmp_path)
    assert settings.connection("portal").url == "http://127.0.0.1:8001"
    assert settings.connection("portal").password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("environ", "code"),
    [
        ({"GW_SENDER": "36"}, "config.setting_invalid"),
        ({"GW_CHUNK": "many"}, "config.setting_invalid"),
        ({"GW_CONN_PORTAL": "http://x"}, "config.connection_invalid"),
    ],
)
def test_wrong_values_are_named(environ: dict[str, str], code: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        load(environ, home=tmp_path)
    assert refused.value.code == code
    assert refused.value.params["variable"] in environ


def test_a_missing_connection_names_its_variable(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        load({}, home=tmp_path).connection("portal")
    assert refused.value.params["variable"] == "GW_CONN_PORTAL"
