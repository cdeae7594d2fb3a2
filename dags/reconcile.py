"""对账: counts and digests per day and kind with the national platform, every morning and by hand."""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task
from pendulum import datetime

from wiring import TASK_DEFAULTS, TIMEZONE


@dag(
    dag_id="reconcile",
    dag_display_name="对账",
    description="与国家平台按日、按类核对数量与摘要；不符的列出主键",
    schedule=CronTriggerTimetable("30 6 * * *", timezone=TIMEZONE),
    start_date=datetime(2026, 1, 1, tz=TIMEZONE),
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    tags=["gateway", "reconcile", "national"],
)
def reconcile_days() -> None:
    @task(task_display_name="对账")
    def reconcile_open_days() -> dict[str, int]:
        from gateway.stages.reconcile import reconcile as reconcile_due
        from wiring import counts, open_gateway

        return counts(reconcile_due(open_gateway("national"), "national"))

    reconcile_open_days()


reconcile_days()
