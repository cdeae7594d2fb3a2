"""Run as a process of its own: parse the DAG folder as Airflow does, once for each project home given.

Prints a JSON line for each, then one that says what the retry policy decides, of failures and of standstills.
"""

from __future__ import annotations

import json
import os
import re
import sys
from typing import Any

HEAVY = {"pandas", "zeep", "paramiko", "lxml", "openpyxl", "xlsxwriter"}


def main() -> None:
    from airflow.dag_processing.dagbag import DagBag
    from airflow.serialization.serialized_objects import DagSerialization

    folder, *homes = sys.argv[1:]
    before = set(sys.modules)  # what Airflow brings by itself is not our parse's doing
    for home in homes:
        os.environ["GW_HOME"] = home
        bag = DagBag(folder)
        brought = set(sys.modules) - before
        told = {
            "errors": {name.rpartition("/")[2]: text for name, text in bag.import_errors.items()},
            "warnings": [str(warning) for warning in bag.captured_warnings.values()],
            "brought": sorted(name for name in brought if name.partition(".")[0] in {"gateway", "connectors"} | HEAVY),
            "loaded": sorted({"pandas", "zeep"} & set(sys.modules)),
            "dags": {
                dag_id: _told(dag, json.dumps(DagSerialization.to_dict(dag)["dag"]["timetable"]))
                for dag_id, dag in bag.dags.items()
            },
        }
        print(json.dumps(told))
    print(json.dumps(_decided()))


def _told(dag: Any, timetable: str) -> dict[str, Any]:
    """What the tests ask of one DAG. ``timetable``: as it is stored for the scheduler."""
    return {
        "owners": sorted({task.owner for task in dag.tasks}),
        "tags": sorted(dag.tags),
        "catchup": dag.catchup,
        "zone": str(dag.timezone),
        "active_runs": dag.max_active_runs,
        "retries": sorted({task.retries for task in dag.tasks}),
        "policies": sorted({type(task.retry_policy).__name__ for task in dag.tasks}),
        "display": dag.dag_display_name,
        "schedule": type(dag.timetable).__name__,
        "timetable": timetable,
        "assets": sorted(set(re.findall(r"gateway://\w+", timetable))),
        "outlets": sorted({asset.uri.rstrip("/") for task in dag.tasks for asset in task.outlets}),
    }


def _decided() -> dict[str, str]:
    """What becomes of a task's first try, by its failure; the policy as a worker gets it."""
    from airflow.sdk import ExceptionRetryPolicy

    from gateway.errors import Bug, Misconfigured, Rejected, Transient
    from gateway.net.http import NotSent
    from gateway.stages.dispatch import DispatchReport
    from wiring import RETRIES, counts_or_red

    policy = ExceptionRetryPolicy.deserialize(RETRIES.serialize())
    failures = (Transient("a"), NotSent("a"), Misconfigured("b"), Rejected("c"), Bug("d"))
    decided = {type(failure).__name__: policy.evaluate(failure, 1, 3).action.value for failure in failures}
    for report in (DispatchReport(stopped="soap.not_sent", stopped_detail="refused"), DispatchReport(due=3)):
        try:
            decided[report.stopped or "done"] = str(counts_or_red(report, "hotline")["due"])
        except Transient as still:
            decided[still.code] = policy.evaluate(still, 1, 3).action.value
    return decided


if __name__ == "__main__":
    main()
