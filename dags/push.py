"""上报: sealed batches to the national platform, as records come and every five minutes."""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from pendulum import datetime

from wiring import EVALUATIONS, RECTIFICATIONS, TASK_DEFAULTS, TIMEZONE


@dag(
    dag_id="push",
    dag_display_name="上报国家平台",
    description="封装、存储、发送、验签回执；重发只发原字节",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/5 * * * *", timezone=TIMEZONE), assets=(EVALUATIONS | RECTIFICATIONS)
    ),
    start_date=datetime(2026, 1, 1, tz=TIMEZONE),
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    tags=["gateway", "push", "national"],
)
def push_batches() -> None:
    @task(task_display_name="上报")
    def push_due() -> dict[str, int]:
        from gateway.stages.push import push
        from wiring import counts_or_red, open_gateway

        return counts_or_red(push(open_gateway("national"), "national"), "national")

    push_due()


push_batches()
