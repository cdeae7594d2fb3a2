"""The compose file, read as data: no engine is needed to hold it to its conventions."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load(TEXT)
ONE_SHOT = {"airflow-init", "airflow-cli"}


def test_every_variable_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = {line.split("=")[0] for line in example.splitlines() if line and not line.startswith("#")}
    used = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", TEXT))
    assert used == named


def test_every_service_is_healthy_by_its_own_word() -> None:
    assert {name for name, service in COMPOSE["services"].items() if "healthcheck" not in service} == ONE_SHOT


def test_ports_are_bound_to_loopback() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_images_are_pinned() -> None:
    for service in COMPOSE["services"].values():
        tag = service["image"].rsplit(":", 1)[-1].rstrip("}")
        assert tag
        assert tag != "latest"
        assert re.search(r"\d+\.\d+", tag)
    assert re.search(r"^FROM apache/airflow:3\.3\.\d+-python3\.\d+$", (ROOT / "Dockerfile").read_text(), re.M)


def test_a_small_site_needs_no_queue() -> None:
    assert COMPOSE["x-airflow-common"]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert not {"redis", "airflow-worker"} & set(COMPOSE["services"])


def test_no_secret_stands_in_it() -> None:
    environment = COMPOSE["x-airflow-common"]["environment"]
    for name, value in environment.items():
        if any(word in name for word in ("SECRET", "FERNET", "PASSWORD")) and not name.endswith("_FILE"):
            assert str(value).startswith("${")
