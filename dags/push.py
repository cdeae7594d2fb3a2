"""上报: sealed batches to every receiver, as records come and every five minutes.

One DAG per target file, so that one that is slow or broken costs the others nothing. ``push`` is the national
platform's, ``push_<target>`` another one's; a new YAML below ``targets/`` becomes a DAG by itself.
"""

from __future__ import annotations

from airflow.sdk import DAG, AssetOrTimeSchedule, CronTriggerTimetable, task
from pendulum import datetime

from gateway.national.target import TargetFile
from wiring import EVALUATIONS, RECTIFICATIONS, TASK_DEFAULTS, TIMEZONE, dag_of, pushed_targets


def push_dag(target: TargetFile) -> DAG:
    """Seal, store, send, verify receipts; what is sent again are the same bytes."""
    with DAG(
        dag_id=dag_of("push", target),
        dag_display_name=f"上报 {target.name}",
        description="封装、存储、发送、验签回执；重发只发原字节",
        schedule=AssetOrTimeSchedule(
            timetable=CronTriggerTimetable("*/5 * * * *", timezone=TIMEZONE), assets=(EVALUATIONS | RECTIFICATIONS)
        ),
        start_date=datetime(2026, 1, 1, tz=TIMEZONE),
        catchup=False,
        max_active_runs=1,
        default_args=TASK_DEFAULTS,
        tags=["gateway", "push", target.target],
    ) as dag:

        @task(task_display_name="上报")
        def push_due() -> dict[str, int]:
            from gateway.stages.push import push
            from wiring import counts_or_red, open_gateway

            return counts_or_red(push(open_gateway(target.connection), target.target), target.target)

        push_due()
    return dag


globals().update({dag.dag_id: dag for dag in map(push_dag, pushed_targets())})
