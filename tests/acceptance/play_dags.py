"""Run as a process of its own: ``dag.test()`` of the DAGs named, one after the other; in between, ``TICK:url`` moves
the orders at 12345 on and ``GW:words`` runs the command line.

Prints one JSON line: the runs, their task instances, and everything that went through XCom.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import requests


def main() -> None:
    from airflow.dag_processing.dagbag import BundleDagBag
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    folder, *steps = sys.argv[1:]
    bag = BundleDagBag(folder, bundle_path=Path(folder), bundle_name="dags-folder")
    assert not bag.import_errors, bag.import_errors
    runs: list[dict[str, Any]] = []
    for step in steps:
        if ":" in step:
            _between(*step.split(":", 1))
            continue
        run = bag.dags[step].test()
        tasks = {
            instance.task_id: {"state": str(instance.state), "try": instance.try_number}
            for instance in run.get_task_instances()
        }
        runs.append({"dag": step, "state": str(run.state), "tasks": tasks})
    with create_session() as session:
        xcoms = [
            {"dag": row.dag_id, "task": row.task_id, "key": row.key, "value": XComModel.deserialize_value(row)}
            for row in session.scalars(select(XComModel))
        ]
    print("PLAYED " + json.dumps({"runs": runs, "xcoms": xcoms}))


def _between(act: str, what: str) -> None:
    if act == "GW":
        subprocess.run([sys.executable, "-m", "gateway.cli", *what.split()], check=True, stdout=subprocess.DEVNULL)
        return
    with requests.Session() as session:
        session.trust_env = False
        session.post(what, json={"times": 12}, timeout=30).raise_for_status()


if __name__ == "__main__":
    main()
