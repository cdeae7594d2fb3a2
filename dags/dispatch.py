"""派发: negative evaluations become work orders at 12345, as they come and every ten minutes."""

from __future__ import annotations

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from pendulum import datetime

from wiring import EVALUATIONS, TASK_DEFAULTS, TIMEZONE


@dag(
    dag_id="dispatch",
    dag_display_name="派发差评工单",
    description="差评生成工单并派发至 12345；结果不明的先查询，绝不盲目重发",
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/10 * * * *", timezone=TIMEZONE), assets=[EVALUATIONS]
    ),
    start_date=datetime(2026, 1, 1, tz=TIMEZONE),
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    tags=["gateway", "dispatch", "hotline"],
)
def dispatch_orders() -> None:
    @task(task_display_name="派发")
    def dispatch_due() -> dict[str, int]:
        from gateway.stages.dispatch import dispatch
        from wiring import counts_or_red, open_gateway

        return counts_or_red(dispatch(open_gateway("hotline")), "hotline")

    dispatch_due()


dispatch_orders()
