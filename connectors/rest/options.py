"""The ``options:`` block of a REST source. Unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Route = Annotated[str, Field(pattern=r"^/[^\s?#]*$", description="path below the connection's address")]
Dotted = Annotated[str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$", description="keys from the top, joined by dots")]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoAuth(_Block):
    kind: Literal["none"] = "none"


class LoginAuth(_Block):
    """POST login and password as JSON, then send the token; a 401 renews it once."""

    kind: Literal["login"]
    path: Route
    login_field: str = "username"
    password_field: str = "password"  # noqa: S105 - a field's name
    token: Dotted = "data.token"  # noqa: S105 - a path
    header: str = "Authorization"
    prefix: str = "Bearer "


class XTifAuth(_Block):
    """Headers x-tif-*: login is the paas id, password the token (left out of some GET variants)."""

    kind: Literal["x_tif"]
    sign_token: bool = True


class BasicAuth(_Block):
    kind: Literal["basic"]


class ApiKeyAuth(_Block):
    """The connection's password in a header."""

    kind: Literal["api_key"]
    header: str = "X-Api-Key"


class SincePaging(_Block):
    """Ordered by time of change; asked since a moment, inclusive, by page number."""

    by: Literal["since"]
    since_param: str
    page_param: str = "page"
    size_param: str = "pageSize"
    size: int = Field(500, ge=1, le=10_000)
    moment: Dotted = Field(description="where a record says when it changed")
    start: str = Field("", description="since of the very first pull")


class CursorPaging(_Block):
    """The source hands out an opaque cursor, also with the last page."""

    by: Literal["cursor"]
    cursor_param: str = "cursor"
    size_param: str = "limit"
    size: int = Field(200, ge=1, le=10_000)
    next: Dotted
    more: Dotted
    start: str = ""


class Envelope(_Block):
    """What is wrapped around the records, and how it says that all is well."""

    success: dict[Dotted, Any] = Field(default_factory=dict, description="all of these values, exactly")
    expired: dict[Dotted, list[Any]] = Field(default_factory=dict, description="any of these: log in again")
    records: Dotted
    total: Dotted | None = None


class Limits(_Block):
    """Seconds and bytes for one call."""

    connect: float = Field(5, gt=0, le=60)
    read: float = Field(30, gt=0, le=300)
    total: float = Field(60, gt=0, le=600)
    max_bytes: int = Field(32 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)


class Options(_Block):
    path: Route
    params: dict[str, str] = Field(default_factory=dict, description="sent with every page")
    auth: Annotated[NoAuth | LoginAuth | XTifAuth | BasicAuth | ApiKeyAuth, Field(discriminator="kind")] = NoAuth()
    paging: Annotated[SincePaging | CursorPaging, Field(discriminator="by")]
    envelope: Envelope
    limits: Limits = Limits()
    ahead: int = Field(4, ge=0, le=8, description="pages fetched before they are asked for")
