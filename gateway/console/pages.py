"""The pages: templates and the words they need, Chinese first. Every address in them is relative, since the host
decides where the app is mounted and shows it in a frame."""

from __future__ import annotations

import re
from importlib import resources
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from gateway.domain.batch import STAGES, BatchState
from gateway.domain.batch_act import BatchAct
from gateway.domain.moments import shanghai_text
from gateway.messages import Lang, catalogue, text

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
ACTS = ("retry", "target", "source", "suspend", "resume", "cancel", "split", "restore", "asked", "nothing", "approved")
BATCHES = frozenset({*BatchAct, "asked", "nothing"})  # acts whose name is a batch's id
REFRESH_SECONDS = 60


def language(request: Request) -> Lang:
    """Chinese unless ``?lang=en`` says otherwise."""
    return "en" if request.query_params.get("lang") == "en" else "zh"


class Pages:
    """Renders; holds no state of the gateway."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("gateway.console"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["local"] = shanghai_text
        self._environment.filters["n"] = "{:,}".format
        self._environment.filters["batch_state"] = _batch_state
        self.style = (resources.files("gateway.console") / "templates" / "style.css").read_text(encoding="utf-8")

    def overview(self, request: Request, **values: Any) -> HTMLResponse:
        return self._page(
            "overview.html", request, done=_done(request), batches=BATCHES, refresh=REFRESH_SECONDS, **values
        )

    def batch(self, request: Request, **values: Any) -> HTMLResponse:
        return self._page("batch.html", request, **values)

    def resume(self, request: Request, **values: Any) -> HTMLResponse:
        return self._page("resume.html", request, **values)

    def act(self, request: Request, **values: Any) -> HTMLResponse:
        """The page that asks before an act on one batch: what, how much, what follows."""
        return self._page("act.html", request, **values)

    def stuck(self, request: Request, **values: Any) -> HTMLResponse:
        return self._page("stuck.html", request, **values)

    def approval(self, request: Request, **values: Any) -> HTMLResponse:
        return self._page("approval.html", request, **values)

    def error(self, request: Request, status_code: int, **values: Any) -> HTMLResponse:
        """What a :class:`~gateway.errors.GatewayError` says."""
        return self._page("error.html", request, status_code, **values)

    def denied(self, request: Request, status_code: int) -> HTMLResponse:
        """A request that is not allowed, or not understood, by its HTTP status."""
        lang = language(request)
        known = f"console.http.{status_code}"
        sentence = text(known if known in catalogue(lang) else "console.http.400", lang)
        return self._page("error.html", request, status_code, code=f"HTTP {status_code}", sentence=sentence)

    def _page(self, template: str, request: Request, status_code: int = 200, **values: Any) -> HTMLResponse:
        lang = language(request)

        def word(key: str, **params: Any) -> str:
            return text(f"console.{key}", lang, **params)

        html = self._environment.get_template(template).render(
            {"refresh": None} | values,
            lang=lang,
            query="?lang=en" if lang == "en" else "",
            root=_root(request),
            word=word,
        )
        return HTMLResponse(html, status_code=status_code)


def _root(request: Request) -> str:
    """The way from this page back to the overview."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    return "../" * (path.count("/") - 1) or "./"


def _done(request: Request) -> tuple[str, str] | None:
    """What was just done, as our own redirect tells it; nothing that a stranger's link may make us say."""
    act, name = request.query_params.get("done", ""), request.query_params.get("name", "")
    return (act, name) if act in ACTS and NAME.fullmatch(name) else None


def _batch_state(state: str | None, lang: Lang) -> str:
    if state is None:
        return ""
    return STAGES[BatchState(state)].name if lang == "zh" else state.replace("_", " ").lower()
