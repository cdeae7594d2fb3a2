"""The operations page (运维页面): a small server-rendered app that the plugin mounts into Airflow.

Stages are imported when a route needs them, since Airflow loads this module in all of its processes.
It knows nothing of Airflow: who may look, who may act and who is acting are handed in. Every route is guarded by
``may_view`` as a whole, every act by ``may_act`` besides, and acts are POSTs with an Origin check and a CSRF token.
"""

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs, urlsplit

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from gateway.console.pages import Pages
from gateway.errors import GatewayError
from gateway.messages import Lang, explain

if TYPE_CHECKING:
    from gateway.stages.context import Context

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
LONGEST_FORM = 4096


class Guards:
    """What the host decides. ``may_view`` and ``may_act`` are FastAPI dependencies that raise 401 or 403."""

    def __init__(
        self,
        may_view: Callable[..., Any],
        may_act: Callable[..., Any],
        user_name: Callable[..., str],
        secret: str,
    ) -> None:
        self.may_view = may_view
        self.may_act = may_act
        self.user_name = user_name
        self._secret = secret.encode()

    def token(self, user: str) -> str:
        """The CSRF token of ``user``'s forms."""
        return hmac.new(self._secret, b"csrf\0" + user.encode(), "sha256").hexdigest()


def create_app(open_context: "Callable[[], Context]", guards: Guards) -> FastAPI:
    """The app; ``open_context`` gives the gateway's context and is called once per request."""
    app = FastAPI(
        title="gateway console",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(guards.may_view)],
    )
    whoever = Depends(guards.user_name)
    pages = Pages()

    def confirmed(form: dict[str, str], request: Request, user: str) -> str:
        """The reason given in a form that really comes from our own page."""
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise HTTPException(403, "cross-origin request refused")
        if not hmac.compare_digest(form.get("token", ""), guards.token(user)):
            raise HTTPException(403, "form expired: open the page again")
        reason = form.get("reason", "").strip()
        if not reason:
            raise HTTPException(422, "a reason is required / 请填写原因")
        return reason

    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Any]) -> Response:
        response: Response = await call_next(request)
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.exception_handler(GatewayError)
    def refused(request: Request, error: GatewayError) -> HTMLResponse:
        lang = language(request)
        return pages.error(lang, code=error.code, sentence=explain(error, lang))

    @app.get("/", response_class=HTMLResponse)
    def overview(request: Request, user: str = whoever) -> HTMLResponse:
        from gateway.reports.status import gateway_status

        context = open_context()
        status = gateway_status(context.store, context.sources, context.clock())
        return pages.overview(language(request), status=status, user=user, done=request.query_params.get("done"))

    @app.get("/style.css")
    def style() -> Response:
        return Response(pages.style, media_type="text/css")

    @app.get("/batches/{batch_id}", response_class=HTMLResponse)
    def batch(batch_id: str, request: Request, user: str = whoever) -> HTMLResponse:

        from gateway.stages.delivery_acts import find_batch

        return pages.batch(language(request), batch=find_batch(open_context(), batch_id), token=guards.token(user))

    @app.post("/batches/{batch_id}/retry", dependencies=[Depends(guards.may_act)])
    def retry(batch_id: str, request: Request, form: Form, user: str = whoever) -> RedirectResponse:
        from gateway.stages.delivery_acts import retry_batch

        retry_batch(open_context(), batch_id, actor=user, reason=confirmed(form, request, user))
        return back_to(request, f"../../?done=retry:{batch_id[:8]}")

    @app.get("/{thing}/{name}/resume", response_class=HTMLResponse)
    def ask_resume(thing: str, name: str, request: Request, user: str = whoever) -> HTMLResponse:
        return pages.resume(language(request), thing=known(thing), name=name, token=guards.token(user))

    @app.post("/{thing}/{name}/resume", dependencies=[Depends(guards.may_act)])
    def resume(thing: str, name: str, request: Request, form: Form, user: str = whoever) -> RedirectResponse:
        from gateway.stages.delivery_acts import resume_target
        from gateway.stages.pull import resume_source

        act = resume_target if known(thing) == "targets" else resume_source
        act(open_context(), name, actor=user, reason=confirmed(form, request, user))
        return back_to(request, f"../../?done=resume:{name}")

    return app


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a small url-encoded form."""
    body = await request.body()
    if len(body) > LONGEST_FORM:
        raise HTTPException(413, "form too large")
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


Form = Annotated[dict[str, str], Depends(read_form)]


def language(request: Request) -> Lang:
    """Chinese unless ``?lang=en`` says otherwise."""
    return "en" if request.query_params.get("lang") == "en" else "zh"


def known(thing: str) -> str:
    if thing not in ("sources", "targets"):
        raise HTTPException(404)
    return thing


def back_to(request: Request, where: str) -> RedirectResponse:
    lang = "&lang=en" if language(request) == "en" else ""
    return RedirectResponse(where + lang, status_code=303)
