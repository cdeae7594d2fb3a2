"""采集: one DAG per source file. A new YAML under ``mappings/<region>/`` becomes a DAG by itself."""

from __future__ import annotations

import logging

from airflow.sdk import DAG, CronTriggerTimetable, task
from pendulum import datetime

from gateway.settings import load
from schemas.source import SourceFile
from wiring import EVALUATIONS, TASK_DEFAULTS, TIMEZONE

log = logging.getLogger(__name__)


def pull_dag(source: SourceFile) -> DAG:
    """Pull and land, then normalise what was landed; new records start dispatch and push."""
    with DAG(
        dag_id=f"pull_{source.source}",
        dag_display_name=f"采集 {source.name}",
        description=f"{source.name}（{source.owner}）：采集、落地、归一",
        schedule=CronTriggerTimetable(source.schedule, timezone=TIMEZONE) if source.schedule else None,
        start_date=datetime(2026, 1, 1, tz=TIMEZONE),
        catchup=False,
        max_active_runs=1,
        default_args=TASK_DEFAULTS,
        tags=["gateway", "pull", source.connector, source.region],
    ) as dag:

        @task(task_display_name="采集落地")
        def pull_and_land() -> dict[str, int]:
            from airflow.sdk.exceptions import AirflowSkipException

            from gateway.stages.life import pulled
            from gateway.stages.pull import pull
            from wiring import counts, open_gateway

            context = open_gateway(source.connection)
            if source.source not in pulled(context):
                raise AirflowSkipException("a draft or paused: gw source list tells")
            return counts(pull(context, source.source))

        @task(task_display_name="归一入账", outlets=[EVALUATIONS])
        def normalise_landed() -> dict[str, int]:
            from airflow.sdk.exceptions import AirflowSkipException

            from gateway.onboarding.shadow import compare_daily
            from gateway.stages.life import is_shadow
            from gateway.stages.normalise import normalise
            from wiring import counts, open_gateway

            context = open_gateway()
            if is_shadow(context, source.source):
                compare_daily(context, source.source)
            report = normalise(context, source.source)
            if not report.stored:
                raise AirflowSkipException("nothing new: dispatch and push need not start")
            return counts(report)

        pull_and_land() >> normalise_landed()
    return dag


def source_dags() -> dict[str, DAG]:
    """A DAG for every enabled source file; a wrong file costs the others nothing: ``gw status`` tells it."""
    from gateway.mapping.sources import survey

    sources, broken = survey(load().mappings_dir)
    for one in broken:
        log.error("source file %s can't be used: %s", one.file, one.error)
    dags = (pull_dag(source) for source in sources if source.enabled)
    return {dag.dag_id: dag for dag in dags}


globals().update(source_dags())
