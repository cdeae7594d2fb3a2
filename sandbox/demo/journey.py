"""The demo's way: the sandbox, the gateway's state, and the DAG runs, watched through ``gw`` as an operator would."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sandbox.demo.airflow import Airflow, clean_environ
from sandbox.demo.processes import Processes
from sandbox.demo.progress import Progress

PATIENCE = 900.0
ROUNDS = 12  # of tracking, until the sandbox's departments have answered every order


class Journey:
    """One demo run with a state of its own under ``var/demo``."""

    def __init__(self, project: Path, var: Path, processes: Processes, progress: Progress) -> None:
        self.project = project
        self.var = var
        self.environ = {
            "GW_HOME": str(project),
            "GW_VAR": str(var),
            "GW_ORDER_REQUERY_SECONDS": "2",
            "GW_RETRY_BASE_SECONDS": "2",
        }
        self.progress = progress
        self._processes = processes

    def prepare(self, *, records: int, seed: int) -> None:
        """Fresh state, keys, schema; the five doubles with their data."""
        for entry in self.var.glob("*"):
            if entry.name != "airflow":
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self.var.mkdir(parents=True, exist_ok=True)
        self.progress.step("初始化网关：数据库、密钥 / gateway: database and keys (gw init)")
        self.gw("init")
        self.progress.step(f"启动沙箱：五个仿真系统，{records} 条记录 / sandbox: five doubles, {records} records")
        self._processes.start(
            "sandbox",
            [sys.executable, "-m", "gateway.cli", "sandbox", "up", "--records", str(records), "--seed", str(seed)],
            {**clean_environ(), **self.environ},
            self.var / "sandbox.log",
        )
        self._wait_for((self.var / "sandbox.env").exists, 120)
        self.gw("doctor")

    def travel(self, airflow: Airflow) -> None:
        """Run the DAGs until everything that can arrive has arrived."""
        pulls = self._wait_for(lambda: _pull_dags(airflow), PATIENCE)
        self.progress.step(f"Airflow 就绪：{airflow.url} / ready; {len(pulls)} pull DAGs")
        for dag_id in sorted(airflow.dag_ids()):
            airflow.unpause(dag_id)
        runs = [(dag_id, airflow.trigger(dag_id)) for dag_id in pulls]
        self.progress.step("采集 → 归一；资产触发派发与上报 / pull, normalise; assets start dispatch and push")
        self._until_done(airflow, runs)
        self._until_quiet(airflow, "push", self._all_sent)
        self._until_quiet(airflow, "dispatch", self._all_dispatched)
        self.progress.step("跟踪工单，整改结果上报 / track the orders, push what was put right")
        for _ in range(ROUNDS):
            self._until_done(airflow, [("track", airflow.trigger("track"))])
            if self._all_closed():
                break
        self._until_quiet(airflow, "push", self._all_sent)
        self.progress.step("对账 / reconcile")
        self._until_done(airflow, [("reconcile", airflow.trigger("reconcile"))])

    def status(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.gw("status", "--json"))
        return document

    def gw(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "gateway.cli", *words],
            env={**clean_environ(), **self.environ},
            cwd=self.project,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 3):
            raise RuntimeError(f"gw {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _wait_for(self, ready: Any, seconds: float) -> Any:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self._processes.check_alive()
            found = ready()
            if found:
                return found
            time.sleep(0.5)
        raise RuntimeError(f"nothing happened within {seconds:.0f} s")

    def _until_done(self, airflow: Airflow, runs: list[tuple[str, str]]) -> None:
        """Wait for these DAG runs; a failed one ends the demo with its name."""

        def finished() -> bool:
            states = {dag_id: airflow.run_state(dag_id, run_id) for dag_id, run_id in runs}
            failed = [dag_id for dag_id, state in states.items() if state == "failed"]
            if failed:
                raise RuntimeError(f"DAG runs failed: {', '.join(failed)}; see {airflow.home}/logs")
            self._tell()
            return all(state == "success" for state in states.values())

        self._wait_for(finished, PATIENCE)

    def _until_quiet(self, airflow: Airflow, dag_id: str, done: Any) -> None:
        """Wait for the runs that assets started; if none is left and work remains, start one as an operator would."""

        def settled() -> bool:
            self._tell()
            if any(run["state"] in ("queued", "running") for run in airflow.runs(dag_id)):
                return False
            if done():
                return True
            airflow.trigger(dag_id)
            return False

        self._wait_for(settled, PATIENCE)

    def _tell(self) -> None:
        figures = self.status()["totals"]
        self.progress.note(
            "落地 {landed} = 入账 {stored} + 隔离 {quarantined} + 重复 {duplicate} · 工单 {orders} · "
            "批次 {batches} 已确认 {acknowledged}".format(**figures)
        )

    def _all_sent(self) -> bool:
        figures = self.status()["totals"]
        return bool(figures["unsent"] == 0 and figures["batches_waiting"] == 0)

    def _all_dispatched(self) -> bool:
        return bool(self.status()["totals"]["orders_waiting"] == 0)

    def _all_closed(self) -> bool:
        return bool(self.status()["totals"]["orders_open"] == 0)


def _pull_dags(airflow: Airflow) -> list[str]:
    errors = airflow.import_errors()
    if errors:
        raise RuntimeError("DAG files don't import:\n" + "\n".join(errors))
    found = airflow.dag_ids()
    pulls = sorted(dag_id for dag_id in found if dag_id.startswith("pull_"))
    return pulls if pulls and {"dispatch", "push", "track", "reconcile"} <= found else []
