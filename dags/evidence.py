"""存证: every night the days up to yesterday are archived, signed and chained."""

from __future__ import annotations

from airflow.sdk import CronTriggerTimetable, dag, task
from pendulum import datetime

from wiring import TASK_DEFAULTS, TIMEZONE


@dag(
    dag_id="evidence",
    dag_display_name="存证",
    description="前一日及以前的批次头、回执与历史归档，签名并逐日成链",
    schedule=CronTriggerTimetable("30 2 * * *", timezone=TIMEZONE),
    start_date=datetime(2026, 1, 1, tz=TIMEZONE),
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    tags=["gateway", "evidence"],
)
def archive_days() -> None:
    @task(task_display_name="存证")
    def archive_until_yesterday() -> dict[str, int]:
        from gateway.stages.evidence import build
        from wiring import counts, open_gateway

        return counts(build(open_gateway()))

    archive_until_yesterday()


archive_days()
