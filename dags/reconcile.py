"""对账: counts and digests per day and kind with every receiver that can be compared with, every morning and by hand.

``reconcile`` is the national platform's, ``reconcile_<target>`` another one's. Receivers without such calls have none:
there two people put their names to a day.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronTriggerTimetable, task
from pendulum import datetime

from gateway.national.target import TargetFile
from wiring import TASK_DEFAULTS, TIMEZONE, dag_of, pushed_targets


def reconcile_dag(target: TargetFile) -> DAG:
    """Compare every day that waits for it; what differs is listed by key."""
    with DAG(
        dag_id=dag_of("reconcile", target),
        dag_display_name=f"对账 {target.name}",
        description=f"与{target.name}按日、按类核对数量与摘要；不符的列出主键",
        schedule=CronTriggerTimetable("30 6 * * *", timezone=TIMEZONE),
        start_date=datetime(2026, 1, 1, tz=TIMEZONE),
        catchup=False,
        max_active_runs=1,
        default_args=TASK_DEFAULTS,
        tags=["gateway", "reconcile", target.target],
    ) as dag:

        @task(task_display_name="对账")
        def reconcile_open_days() -> dict[str, int]:
            from gateway.stages.reconcile import reconcile as reconcile_due
            from wiring import counts, open_gateway

            return counts(reconcile_due(open_gateway(target.connection), target.target))

        reconcile_open_days()
    return dag


compared = (reconcile_dag(target) for target in pushed_targets() if target.reconciles)
globals().update({dag.dag_id: dag for dag in compared})
