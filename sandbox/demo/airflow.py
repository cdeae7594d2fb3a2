"""Airflow on loopback for the demo: its components as processes of our own, and the calls that the demo needs."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests

from sandbox.demo.processes import Processes

USERS = {"admin": "admin", "ops": "op", "viewer": "viewer"}
COMPONENTS = (("api-server",), ("scheduler",), ("dag-processor",), ("triggerer",))
LOCALHOST = "127.0.0.1"
PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)


class Airflow:
    """One Airflow with its own home, SQLite metadata, LocalExecutor and three users with fresh passwords."""

    def __init__(self, home: Path, project: Path, environ: Mapping[str, str], processes: Processes) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://{LOCALHOST}:{self.port}"
        self.passwords = {user: secrets.token_urlsafe(9) for user in USERS}
        self._processes = processes
        self._session = requests.Session()
        self._session.trust_env = False
        self._environ = {**environ, **self._settings(project)}

    def _settings(self, project: Path) -> dict[str, str]:
        database = self.home / "airflow.db"
        return {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(project / "plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Shanghai",
            "AIRFLOW__CORE__FERNET_KEY": "",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}?timeout=60",
            "AIRFLOW__API__HOST": LOCALHOST,
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API__EXPOSE_CONFIG": "False",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
            "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "2",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
            "PYTHONWARNINGS": "ignore",
        }

    def prepare(self) -> None:
        """A clean metadata database; a migrated one is kept as a template, so that a second run is quick."""
        template = self.home / "migrated.db"
        database = self.home / "airflow.db"
        for leftover in (database, database.with_name("airflow.db-wal"), database.with_name("airflow.db-shm")):
            leftover.unlink(missing_ok=True)
        self.home.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.home / "logs", ignore_errors=True)
        (self.home / "passwords.json").write_text(json.dumps(self.passwords), encoding="utf-8")
        (self.home / "passwords.json").chmod(0o600)
        if not template.exists():
            log = self.home / "migrate.log"
            with log.open("wb") as out:
                done = subprocess.run(
                    [sys.executable, "-m", "airflow", "db", "migrate"],
                    env=self._environ,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    check=False,
                )
            if done.returncode:
                raise RuntimeError(f"airflow db migrate failed: see {log}")
            with closing(sqlite3.connect(database)) as connection:  # kept in the file: readers wait for no writer
                connection.execute("PRAGMA journal_mode=WAL")
            shutil.copy(database, template)
        else:
            shutil.copy(template, database)

    def start(self, components: Sequence[tuple[str, ...]] = COMPONENTS) -> None:
        """Start every component in a process group of its own."""
        for component in components:
            self._processes.start(
                component[0],
                [sys.executable, "-m", "airflow", *component],
                self._environ,
                self.home / f"{component[0]}.log",
            )

    def wait_until_healthy(self, seconds: float) -> None:
        """Until metadata, scheduler and DAG processor report healthy; content is looked at, not only status 200."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._processes.check_alive()
            try:
                health = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=5).json()
                if all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                    self._log_in("admin")
                    return
            except (requests.RequestException, ValueError, KeyError, TypeError):
                pass
            time.sleep(0.5)
        raise RuntimeError(f"Airflow did not become healthy within {seconds:.0f} s: see {self.home}/*.log")

    def _log_in(self, user: str) -> None:
        answer = self._session.post(
            f"{self.url}/auth/token", json={"username": user, "password": self.passwords[user]}, timeout=10
        )
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _api(self, method: str, path: str, **request: Any) -> Any:
        """One call; Airflow on SQLite answers 500 while another component writes, so a few are made if need be."""
        for pause in (*PAUSES, None):
            answer = self._session.request(method, f"{self.url}/api/v2/{path}", timeout=30, **request)
            if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                break
            if pause is not None:
                time.sleep(pause)
        if answer.ok or answer.status_code == HTTPStatus.CONFLICT:  # an earlier try had arrived
            return answer.json()
        raise RuntimeError(f"Airflow answered {answer.status_code} to {method} {path}: see {self.home}/api-server.log")

    def dag_ids(self) -> set[str]:
        return {dag["dag_id"] for dag in self._api("GET", "dags", params={"limit": 200})["dags"]}

    def import_errors(self) -> list[str]:
        errors = self._api("GET", "importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in errors]

    def unpause(self, dag_id: str) -> None:
        self._api("PATCH", f"dags/{dag_id}", json={"is_paused": False})

    def trigger(self, dag_id: str) -> str:
        run_id = f"demo__{uuid.uuid4().hex}"
        self._api("POST", f"dags/{dag_id}/dagRuns", json={"dag_run_id": run_id, "logical_date": None, "conf": {}})
        return run_id

    def run_state(self, dag_id: str, run_id: str) -> str:
        return str(self._api("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def runs(self, dag_id: str = "~") -> list[dict[str, Any]]:
        """Every run, oldest first: dag_id, dag_run_id, state, run_type."""
        runs: list[dict[str, Any]] = self._api(
            "GET", f"dags/{dag_id}/dagRuns", params={"limit": 200, "order_by": "start_date"}
        )["dag_runs"]
        return runs


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        return int(probe.getsockname()[1])


def clean_environ() -> dict[str, str]:
    """This process's environment without what would lead Airflow or the gateway elsewhere."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("AIRFLOW", "GW_"))}
