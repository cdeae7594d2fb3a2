"""The pages: templates and the words they need, Chinese first."""

from __future__ import annotations

from importlib import resources
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from gateway.domain.moments import shanghai_text
from gateway.messages import Lang, text


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
        self.style = (resources.files("gateway.console") / "templates" / "style.css").read_text(encoding="utf-8")

    def overview(self, lang: Lang, **values: Any) -> HTMLResponse:
        return self._page("overview.html", lang, root="./", **values)

    def batch(self, lang: Lang, **values: Any) -> HTMLResponse:
        return self._page("batch.html", lang, root="../", **values)

    def resume(self, lang: Lang, **values: Any) -> HTMLResponse:
        return self._page("resume.html", lang, root="../../", **values)

    def error(self, lang: Lang, **values: Any) -> HTMLResponse:
        return self._page("error.html", lang, status_code=409, root="", **values)

    def _page(self, template: str, lang: Lang, status_code: int = 200, **values: Any) -> HTMLResponse:
        def word(key: str, **params: Any) -> str:
            return text(f"console.{key}", lang, **params)

        html = self._environment.get_template(template).render(
            lang=lang,
            query="?lang=en" if lang == "en" else "",
            word=word,
            sentence=lambda code: text(code, lang),
            **values,
        )
        return HTMLResponse(html, status_code=status_code)
