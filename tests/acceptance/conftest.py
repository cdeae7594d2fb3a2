"""An Airflow of the tests' own: its metadata is migrated once, and every process gets a clean environment."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.demo.airflow import Airflow, clean_environ
from sandbox.demo.processes import Processes

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 280


@dataclass(frozen=True)
class AirflowHome:
    """A folder with migrated metadata (SQLite)."""

    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        """For one process of Airflow; its own Python and the project's folders."""
        return clean_environ() | {
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "AIRFLOW_HOME": str(self.folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(self.folder / "no_plugins"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.folder / 'airflow.db'}",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
            **more,
        }

    def python(self, module: str, *words: str, **more: str) -> str:
        """What the module prints; it must end well."""
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            env=self.environment(**more),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout


@pytest.fixture(scope="session")
def migrated_airflow(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated metadata database."""
    home = tmp_path_factory.mktemp("airflow")
    Airflow(home, ROOT, clean_environ(), Processes()).prepare()
    return home / "migrated.db"


@pytest.fixture(scope="module")
def airflow_home(migrated_airflow: Path, tmp_path_factory: pytest.TempPathFactory) -> AirflowHome:
    """An Airflow home for the tests of one file."""
    folder = tmp_path_factory.mktemp("airflow_home")
    shutil.copy(migrated_airflow, folder / "airflow.db")
    return AirflowHome(folder)
