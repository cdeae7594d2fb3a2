"""What the DAG files share: Airflow's connections for the gateway, and which failures are worth a retry.

The only package, besides ``dags/`` and ``plugins/``, that may import Airflow. Nothing heavy is imported here, since
every DAG file is parsed again and again; stages are imported inside tasks.
"""

from __future__ import annotations

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, ExceptionRetryPolicy, RetryAction, RetryRule

if TYPE_CHECKING:
    from gateway.messages import Lang
    from gateway.national.target import TargetFile
    from gateway.stages.context import Context

log = logging.getLogger(__name__)

TIMEZONE = "Asia/Shanghai"
EVALUATIONS = Asset("gateway://evaluations")  # new ledger records: something to dispatch and to push
RECTIFICATIONS = Asset("gateway://rectifications")  # orders that were put right: something to push

# One owner of minutes: a stage is tried again by Airflow only where time may heal it. Who must act otherwise is told
# at once, on try 1, and clearing the task later repeats nothing that was done.
RETRIES = ExceptionRetryPolicy(
    rules=[
        RetryRule(exception="gateway.errors.Misconfigured", action=RetryAction.FAIL, reason="an operator must act"),
        RetryRule(exception="gateway.errors.Rejected", action=RetryAction.FAIL, reason="the data's owner must act"),
        RetryRule(exception="gateway.errors.Bug", action=RetryAction.FAIL, reason="a developer must act"),
        RetryRule(exception="gateway.errors.Transient", action=RetryAction.RETRY, retry_delay=timedelta(minutes=2)),
    ]
)
TASK_DEFAULTS: dict[str, Any] = {"owner": "gateway", "retries": 3, "retry_policy": RETRIES}


def pushed_targets() -> list[TargetFile]:
    """The receivers that are pushed to by schedule. A wrong file costs the others nothing: ``gw status`` tells it."""
    from gateway.national.target import survey_targets
    from gateway.settings import load

    found = survey_targets(load().targets_dir)
    for one in found.broken:
        log.error("target file %s can't be used: %s", one.file, one.error)
    return found.pushed


def dag_of(flow: str, target: TargetFile) -> str:
    """The id of a flow's DAG for one receiver; the national platform's bears the flow's own name."""
    return flow if target.target == "national" else f"{flow}_{target.target}"


def open_gateway(*connection_ids: str) -> Context:
    """The gateway's context inside a task; ``connection_ids`` not given as ``GW_CONN_…`` come from Airflow."""
    from gateway.bootstrap import open_context
    from gateway.settings import load

    settings = load()
    missing = {name: _airflow_connection(name) for name in connection_ids if name not in settings.connections}
    return open_context(load(connections=missing) if missing else settings)


def counts(report: Any) -> dict[str, int]:
    """A stage's report as XCom may hold it: numbers only, never a record."""
    return {name: value for name, value in asdict(report).items() if isinstance(value, int)}


def counts_or_red(report: Any, subject: str) -> dict[str, int]:
    """:func:`counts` of a stage that went on to its end; one that stood still ends red, with what to do.

    Raises ``AirflowFailException`` where a person must act, so that nobody waits for a retry that can't help;
    ``Transient`` where time may heal it.
    """
    from airflow.sdk.exceptions import AirflowFailException

    from gateway.errors import Transient
    from gateway.reports.standstill import standstill
    from gateway.settings import load

    still = standstill(report, subject)
    if still is None:
        return counts(report)
    lang: Lang = "en" if load().lang == "en" else "zh"
    told = f"{still.sentence(lang)} {still.remedy(lang)}".strip()
    if still.for_a_person:
        raise AirflowFailException(f"{still.code}: {told}")
    raise Transient(still.code, said=told)


def _airflow_connection(connection_id: str) -> Any:
    from airflow.sdk import Connection as AirflowConnection

    from gateway.settings import Connection
    from wiring.connections import from_form

    found = AirflowConnection.get(connection_id)
    return Connection(
        **from_form(
            found.conn_type or "http",
            found.host,
            found.port,
            found.login,
            found.password,
            found.schema,
            found.extra_dejson,
        )
    )
