"""Registers the operations page with Airflow and guards it. The one file of this folder: every ``.py`` here runs."""

from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/gateway"


def guarded_app() -> Any:
    """The page behind Airflow's own login: anonymous 401, viewers look, those who may start DAG runs act.

    The imports are core internals of Airflow 3.3; if one is gone, this raises, the plugin is not loaded, and no
    unguarded page is served.
    """
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag, requires_authenticated
    from airflow.configuration import conf

    from gateway.console.app import Guards, create_app

    def user_name(user: GetUserDep) -> str:
        return str(user.get_name())

    guards = Guards(
        may_view=requires_authenticated(),
        may_act=requires_access_dag(method="POST", access_entity=DagAccessEntity.RUN, param_dag_id="push"),
        user_name=user_name,
        secret=conf.get_mandatory_value("api_auth", "jwt_secret"),
        origins=frozenset({urlsplit(conf.get("api", "base_url", fallback="")).netloc} - {""}),
    )
    return create_app(gateway_context, guards)


def gateway_context() -> Any:
    """One context per server process, opened at the first request and anew when a source file has changed."""
    from gateway.settings import load

    files = load().mappings_dir.rglob("*.*")
    return _opened(frozenset((file, file.stat().st_mtime_ns) for file in files if file.is_file()))


@lru_cache(maxsize=1)
def _opened(_files: frozenset[Any]) -> Any:
    from gateway.bootstrap import open_context

    return open_context()


class GatewayConsolePlugin(AirflowPlugin):
    name = "gateway_console"
    fastapi_apps = [{"app": guarded_app(), "url_prefix": PREFIX, "name": "gateway console"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "好差评网关",
            "href": f"{PREFIX.strip('/')}/",
            "destination": "nav",
            "nav_top_level": True,
            "url_route": "gateway",
        }
    ]
