"""The operations page (运维页面): a small server-rendered app that the plugin mounts into Airflow.

Stages are imported when a route needs them, since Airflow loads this module in all of its processes.
It knows nothing of Airflow: who may look, who may act and who is acting are handed in. Every route, the unknown ones
included, is guarded by ``may_view``, every act by ``may_act`` besides, and acts are POSTs with an Origin check and a
CSRF token.
"""

import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs, urlencode, urlsplit

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from gateway.console.pages import Pages, language
from gateway.domain.batch_act import FITS, BatchAct
from gateway.errors import GatewayError, Misconfigured, Rejected, Transient
from gateway.messages import explain

if TYPE_CHECKING:
    from gateway.stages.context import Context

POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
LONGEST_FORM = 4096
LONGEST_REASON = 200
ANY_METHOD = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


class Guards:
    """What the host decides. ``may_view`` and ``may_act`` are FastAPI dependencies that raise 401 or 403.

    ``origins``: hosts, besides the request's own, whose pages may post here (a proxy that doesn't keep ``Host``).
    """

    def __init__(
        self,
        may_view: Callable[..., Any],
        may_act: Callable[..., Any],
        user_name: Callable[..., str],
        secret: str,
        origins: frozenset[str] = frozenset(),
    ) -> None:
        self.may_view = may_view
        self.may_act = may_act
        self.user_name = user_name
        self.origins = origins
        self._secret = secret.encode()

    def token(self, user: str) -> str:
        """The CSRF token of ``user``'s forms."""
        return hmac.new(self._secret, b"csrf\0" + user.encode(), "sha256").hexdigest()

    def reason(self, form: dict[str, str], request: Request, user: str) -> str:
        """The reason given in a form that really comes from our own page. Raises 403 or 422."""
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc not in self.origins | {request.headers.get("host")}:
            raise HTTPException(403, "cross-origin request refused")
        if not hmac.compare_digest(form.get("token", "").encode(), self.token(user).encode()):
            raise HTTPException(403, "form expired")
        reason = form.get("reason", "").strip()
        if not reason or len(reason) > LONGEST_REASON:
            raise HTTPException(422, "a reason is required")
        return reason


def create_app(open_context: "Callable[[], Context]", guards: Guards) -> FastAPI:
    """The app; ``open_context`` gives the gateway's context and is called once per request."""
    app = FastAPI(
        title="gateway console",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(guards.may_view)],
        redirect_slashes=False,
    )
    whoever = Depends(guards.user_name)
    may_act = [Depends(guards.may_act)]
    pages = Pages()

    def given_reason(request: Request, form: Form, user: str = whoever) -> str:
        return guards.reason(form, request, user)

    why = Depends(given_reason)  # checked before anything else is touched

    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Any]) -> Response:
        response: Response = await call_next(request)
        response.headers.update(HEADERS)
        return response

    @app.exception_handler(GatewayError)
    def refused(request: Request, error: GatewayError) -> HTMLResponse:
        return pages.error(request, _status(error), code=error.code, sentence=explain(error, language(request)))

    @app.exception_handler(RequestValidationError)
    def unknown(request: Request, error: RequestValidationError) -> HTMLResponse:
        return pages.denied(request, 404)  # an act that there is none of

    @app.exception_handler(AnyHTTPException)
    async def denied(request: Request, error: AnyHTTPException) -> Response:
        if error.status_code == 401:  # a stranger sees no page at all
            return await http_exception_handler(request, error)
        return pages.denied(request, error.status_code)

    @app.get("/", response_class=HTMLResponse)
    def overview(request: Request, user: str = whoever) -> HTMLResponse:
        from gateway.reports.status import gateway_status

        context = open_context()
        status = gateway_status(
            context.store, context.sources, context.clock(), context.targets.pushed, context.settings.hold_hours
        )
        return pages.overview(request, status=status, user=user)

    @app.get("/style.css")
    def style() -> Response:
        return Response(pages.style, media_type="text/css")

    @app.get("/batches/{batch_id}", response_class=HTMLResponse)
    def batch(batch_id: str, request: Request, user: str = whoever) -> HTMLResponse:
        from gateway.stages.delivery_acts import show_batch

        found = show_batch(open_context(), batch_id)
        return pages.batch(request, batch=found, user=user, token=guards.token(user))

    @app.post("/batches/{batch_id}/retry", dependencies=may_act)
    def retry(batch_id: str, request: Request, user: str = whoever, reason: str = why) -> RedirectResponse:
        from gateway.stages.delivery_acts import retry_batch

        retry_batch(open_context(), batch_id, actor=user, reason=reason)
        return _back_to_overview(request, done="retry", name=batch_id)

    @app.get("/batches/{batch_id}/acts/{act}", response_class=HTMLResponse)
    def ask_act(batch_id: str, act: BatchAct, request: Request, user: str = whoever) -> HTMLResponse:
        from gateway.stages.delivery_acts import show_batch

        line = show_batch(open_context(), batch_id).line
        return pages.act(request, act=act, line=line, user=user, token=guards.token(user))

    @app.post("/batches/{batch_id}/acts/{act}", dependencies=may_act)
    def do_act(
        batch_id: str, act: BatchAct, request: Request, user: str = whoever, reason: str = why
    ) -> RedirectResponse:
        from gateway.stages.batch_acts import Order, act_on, act_on_one

        order = Order(act, user, reason)
        if FITS[act].two:
            report = act_on(open_context(), order, [batch_id])
            asked = report.approval_id is not None
            return _back_to_overview(request, "asked" if asked else "nothing", batch_id, "../../../")
        act_on_one(open_context(), order, batch_id)
        return _back_to_overview(request, act, batch_id, "../../../")

    @app.get("/stuck", response_class=HTMLResponse)
    def stuck(request: Request, user: str = whoever) -> HTMLResponse:
        from gateway.reports.stuck import stuck as stuck_now

        context = open_context()
        now = context.clock()
        lines = stuck_now(context.store, now, context.targets.unheard)
        return pages.stuck(request, lines=lines, as_of=now, user=user)

    @app.get("/approvals/{approval_id}", response_class=HTMLResponse)
    def ask_approve(approval_id: str, request: Request, user: str = whoever) -> HTMLResponse:
        from gateway.stages.second_person import approvals_waiting

        waiting = {one.approval_id: one for one in approvals_waiting(open_context())}
        if approval_id not in waiting:
            raise Rejected("act.approval_unknown", approval=approval_id)
        return pages.approval(request, one=waiting[approval_id], user=user, token=guards.token(user))

    @app.post("/approvals/{approval_id}", dependencies=may_act)
    def approval(approval_id: str, request: Request, user: str = whoever, reason: str = why) -> RedirectResponse:
        from gateway.stages.second_person import approve

        approve(open_context(), approval_id, user, reason)
        return _back_to_overview(request, "approved", approval_id, "../")

    @app.get("/targets/{name}/resume", response_class=HTMLResponse)
    def ask_resume_target(name: str, request: Request, user: str = whoever) -> HTMLResponse:
        return pages.resume(request, thing="targets", name=name, user=user, token=guards.token(user))

    @app.post("/targets/{name}/resume", dependencies=may_act)
    def target(name: str, request: Request, user: str = whoever, reason: str = why) -> RedirectResponse:
        from gateway.stages.delivery_acts import resume_target

        resume_target(open_context(), name, actor=user, reason=reason)
        return _back_to_overview(request, done="target", name=name)

    @app.get("/sources/{name}/resume", response_class=HTMLResponse)
    def ask_resume_source(name: str, request: Request, user: str = whoever) -> HTMLResponse:
        return pages.resume(request, thing="sources", name=name, user=user, token=guards.token(user))

    @app.post("/sources/{name}/resume", dependencies=may_act)
    def source(name: str, request: Request, user: str = whoever, reason: str = why) -> RedirectResponse:
        from gateway.stages.pull import resume_source

        resume_source(open_context(), name, actor=user, reason=reason)
        return _back_to_overview(request, done="source", name=name)

    @app.api_route("/{anything:path}", methods=ANY_METHOD)
    def nothing(anything: str) -> Response:
        raise HTTPException(404)

    return app


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a small url-encoded form."""
    body = await request.body()
    if len(body) > LONGEST_FORM:
        raise HTTPException(413, "form too large")
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


Form = Annotated[dict[str, str], Depends(read_form)]


def _status(error: GatewayError) -> int:
    match error:
        case Rejected():
            return 409
        case Transient() | Misconfigured():
            return 503
        case _:
            return 500


def _back_to_overview(request: Request, done: str, name: str, root: str = "../../") -> RedirectResponse:
    query = {"done": done, "name": name} | ({"lang": "en"} if language(request) == "en" else {})
    return RedirectResponse(f"{root}?{urlencode(query)}", status_code=303)
