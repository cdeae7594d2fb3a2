"""The HTTP face of the inbox (推送接口). It knows requests and answers; what they do stands in :mod:`.desk`."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.errors import Bug, GatewayError, Rejected
from gateway.inbox import openapi
from gateway.inbox.answer import STATUS, Answer, answer
from gateway.inbox.body import drain
from gateway.inbox.desk import Desk
from gateway.inbox.journal import journal
from gateway.inbox.judging import Judged
from gateway.inbox.refusal import refusal, status_of
from gateway.messages import Lang

PREFIX = "/inbox/v1"
REFUSED = (400, 401, 404, 408, 409, 413, 415, 429, 503, 507)
BATCH = '一批记录；结构由该数据源的映射约定，缺省为 `{"records": [ {…}, … ]}`'
SINGLE = "一条记录，结构与批量中的一条相同"
Act = Callable[[Request, str], Awaitable[tuple[Judged, bool]]]


def make_app(desk: Desk) -> FastAPI:
    """The app; ``desk`` works while the app runs and is closed with it."""

    @asynccontextmanager
    async def running(_app: FastAPI) -> AsyncIterator[None]:
        desk.start()
        yield
        await asyncio.to_thread(desk.close)

    app = FastAPI(
        title=openapi.TITLE,
        description=openapi.DESCRIPTION,
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        lifespan=running,
    )
    taken = openapi.responses(200, 202, 422, *REFUSED)

    @app.post(
        f"{PREFIX}/{{source_id}}/records",
        summary="推送一批",
        response_model=Answer,
        responses=taken,
        openapi_extra=openapi.extra(changes=True, body=BATCH),
    )
    async def push_batch(request: Request, source_id: str) -> Response:
        return await _answered(request, source_id, desk.push_batch)

    @app.post(
        f"{PREFIX}/{{source_id}}/record",
        summary="推送一条",
        response_model=Answer,
        responses=taken,
        openapi_extra=openapi.extra(changes=True, body=SINGLE),
    )
    async def push_one(request: Request, source_id: str) -> Response:
        return await _answered(request, source_id, desk.push_one)

    @app.get(
        f"{PREFIX}/{{source_id}}/receipts/{{receipt}}",
        summary="凭回执号查询",
        response_model=Answer,
        responses=openapi.responses(200, 202, 422, 400, 401, 404, 429, 503),
        openapi_extra=openapi.extra(changes=False),
    )
    async def ask(request: Request, source_id: str, receipt: str) -> Response:
        async def found(request: Request, source_id: str) -> tuple[Judged, bool]:
            return await desk.ask(request, source_id, receipt), False

        return await _answered(request, source_id, found)

    @app.get("/health/live", summary="进程在", include_in_schema=False)
    async def live() -> dict[str, str]:
        return {"state": "live"}

    @app.get("/health/ready", summary="能落盘", include_in_schema=False)
    async def ready(request: Request) -> Response:
        try:
            await asyncio.to_thread(desk.check)
        except GatewayError as failure:
            return refusal(failure, language(request))
        return JSONResponse({"state": "ready"})

    @app.exception_handler(HTTPException)
    async def elsewhere(request: Request, wrong: HTTPException) -> Response:
        code = "inbox.method" if wrong.status_code == 405 else "inbox.path_unknown"
        return refusal(Rejected(code), language(request), wrong.headers)

    return app


async def _answered(request: Request, source_id: str, act: Act) -> Response:
    lang = language(request)
    try:
        judged, repeated = await act(request, source_id)
    except GatewayError as failure:
        await drain(request)
        journal(source_id, status_of(failure), code=failure.code)
        return refusal(failure, lang)
    except Exception as fault:  # told by its type: its text may hold what was sent
        journal(source_id, 500, code="bug.inbox", failure=type(fault).__name__)
        return refusal(Bug("bug.inbox", failure=type(fault).__name__), lang)
    told = answer(source_id, judged, lang)
    counts: dict[str, Any] = told.model_dump(include={"landed", "stored", "duplicate", "quarantined", "code"})
    journal(source_id, STATUS[told.state], receipt=told.receipt, repeated=repeated, **counts)
    headers = {"Location": f"{PREFIX}/{source_id}/receipts/{told.receipt}"}
    if repeated:
        headers["Idempotency-Replayed"] = "true"
    return Response(told.model_dump_json(), STATUS[told.state], headers, "application/json")


def language(request: Request) -> Lang:
    """English where the client puts it before Chinese; else Chinese."""
    asked = request.headers.get("accept-language", "").lower()
    english, chinese = asked.find("en"), asked.find("zh")
    return "en" if english >= 0 and (chinese < 0 or english < chinese) else "zh"
