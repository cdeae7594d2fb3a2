"""跟踪: work-order states come back from 12345; what was put right goes on to the national platform."""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task
from pendulum import datetime

from wiring import RECTIFICATIONS, TASK_DEFAULTS, TIMEZONE


@dag(
    dag_id="track",
    dag_display_name="跟踪工单",
    description="按更新时间窗口轮询 12345，整改结果入账",
    schedule=CronTriggerTimetable("*/10 * * * *", timezone=TIMEZONE),
    start_date=datetime(2026, 1, 1, tz=TIMEZONE),
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    tags=["gateway", "track", "hotline"],
)
def track_orders() -> None:
    @task(task_display_name="跟踪", outlets=[RECTIFICATIONS])
    def track_updated() -> dict[str, int]:
        from airflow.sdk.exceptions import AirflowSkipException

        from gateway.stages.track import track
        from wiring import counts, open_gateway

        report = track(open_gateway("hotline"))
        if not report.rectifications:
            raise AirflowSkipException("nothing was put right since: push need not start")
        return counts(report)

    track_updated()


track_orders()
