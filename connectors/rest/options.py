"""The ``options:`` block of a REST source. Unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.ciphers import CipherOptions
from connectors.signing import SigningOptions

Route = Annotated[str, Field(pattern=r"^/[^\s?#]*$", description="path below the connection's address")]
Dotted = Annotated[str, Field(pattern=r"^[^.\s]+(\.[^.\s]+)*$", description="keys from the top, joined by dots")]
Send = Literal["query", "json", "form", "header"]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NoAuth(_Block):
    kind: Literal["none"] = "none"


class LoginAuth(_Block):
    """POST login and password, then send the token; it is renewed before it ends, and once after a 401."""

    kind: Literal["login"]
    path: Route
    login_field: str = "username"
    password_field: str = "password"  # noqa: S105 - a field's name
    password_digest: Literal["md5", "sha256", "sm3"] | None = Field(None, description="the password goes as this, hex")
    fields: dict[str, str] = Field(default_factory=dict, description="sent with the login")
    send: Literal["json", "form"] = "json"
    token: Dotted = "data.token"  # noqa: S105 - a path
    lifetime: Dotted | None = Field(None, description="where the answer says how many seconds the token lives")
    header: str = "Authorization"
    prefix: str = "Bearer "
    query: str | None = Field(None, description="the token goes as this parameter, not in a header")


class OAuth2Auth(_Block):
    """Client credentials (RFC 6749 §4.4): login is the client's id, password its secret."""

    kind: Literal["oauth2"]
    path: Route = Field(description="of the token endpoint, at the connection's address")
    scope: str | None = None
    credentials: Literal["basic", "body"] = Field("basic", description="where id and secret stand")


class XTifAuth(_Block):
    """Headers x-tif-*: login is the paas id, password the token (left out of some GET variants)."""

    kind: Literal["x_tif"]
    sign_token: bool = True


class BasicAuth(_Block):
    kind: Literal["basic"]


class BearerAuth(_Block):
    """The connection's password as a token that was issued once."""

    kind: Literal["bearer"]


class ApiKeyAuth(_Block):
    """The connection's password in a header, or as a parameter."""

    kind: Literal["api_key"]
    header: str = "X-Api-Key"
    query: str | None = Field(None, description="the key goes as this parameter, not in a header")


class SignAuth(_Block):
    """A signature over each request; ``carry`` says where login, timestamp, nonce and sign go."""

    kind: Literal["sign"]
    signing: SigningOptions
    place: Literal["header", "query", "body"] = "header"
    carry: dict[Literal["login", "timestamp", "nonce", "sign"], str] = Field(
        default_factory=lambda: {name: name for name in ("login", "timestamp", "nonce", "sign")}
    )


Auth = Annotated[
    NoAuth | LoginAuth | OAuth2Auth | XTifAuth | BasicAuth | BearerAuth | ApiKeyAuth | SignAuth,
    Field(discriminator="kind"),
]


class SincePaging(_Block):
    """Ordered by time of change (or a rising id); asked since a moment, inclusive, by page number."""

    by: Literal["since"]
    since_param: str
    page_param: str = "page"
    size_param: str = "pageSize"
    size: int = Field(500, ge=1, le=10_000)
    moment: Dotted = Field(description="where a record says when it changed, or its id")
    unit: Literal["seconds", "ids"] = Field("seconds", description="ids: the moment is a rising whole number")
    lookback: float = Field(600, ge=0, le=2_592_000, description="of that unit, read again with each pull; 0: none")
    start: str = Field("", description="since of the very first pull")


class Window(_Block):
    """The list is asked for a span of time; in whatever order it answers, each span is read to its end."""

    since_param: str
    until_param: str | None = None
    form: str = Field("yyyy-MM-dd HH:mm:ss", description="of both; also seconds, milliseconds")
    moment: Dotted = Field(description="where a record says when it changed")
    start: str = Field(description="since of the very first pull, in that form")
    seconds: int = Field(86_400, ge=60, description="length of a span; backfill goes on from the last whole one")
    lookback: float = Field(600, ge=0, le=2_592_000, description="seconds read again with each pull; 0: none")


class _Listed(_Block):
    """A list of pages. Without a window it is read whole each time, and landed again only when it has changed."""

    size: int = Field(200, ge=1, le=10_000)
    window: Window | None = None


class PagePaging(_Listed):
    by: Literal["page"]
    page_param: str = "page"
    size_param: str | None = "pageSize"
    first: int = Field(1, ge=0, description="number of the first page")


class OffsetPaging(_Listed):
    by: Literal["offset"]
    offset_param: str = "offset"
    size_param: str = "limit"


class LinkPaging(_Listed):
    """Each answer names the next: in its body at ``next``, or in its ``Link`` header. Other hosts are not followed."""

    by: Literal["link"]
    next: Dotted | None = Field(None, description="null: the Link header with rel=next (RFC 8288)")
    size_param: str | None = None


class CursorPaging(_Listed):
    """The source hands out an opaque cursor. Without a window it is kept: the next pull goes on from there."""

    by: Literal["cursor"]
    cursor_param: str = "cursor"
    size_param: str | None = "limit"
    next: Dotted
    more: Dotted | None = Field(None, description="null: there is more while there is a next cursor")
    start: str = ""


Paging = Annotated[SincePaging | CursorPaging | PagePaging | OffsetPaging | LinkPaging, Field(discriminator="by")]


class Envelope(_Block):
    """What is wrapped around the records, and how it says that all is well."""

    success: dict[Dotted, Any] = Field(default_factory=dict, description="all of these values, exactly")
    expired: dict[Dotted, list[Any]] = Field(default_factory=dict, description="any of these: log in again")
    empty: dict[Dotted, list[Any]] = Field(default_factory=dict, description="any of these: there are no records")
    busy: dict[Dotted, list[Any]] = Field(default_factory=dict, description="any of these: throttled, try later")
    records: Dotted | None = Field(None, description="null: the body itself is the list (csv: its rows)")
    total: Dotted | None = None
    total_header: str | None = Field(None, description="the total stands in this header")

    @property
    def named(self) -> frozenset[str]:
        """The paths of all single values."""
        listed = (*self.success, *self.expired, *self.empty, *self.busy)
        return frozenset(listed if self.total is None else (*listed, self.total))


class Limits(_Block):
    """Seconds and bytes for one call."""

    connect: float = Field(5, gt=0, le=60)
    read: float = Field(30, gt=0, le=300)
    total: float = Field(60, gt=0, le=600)
    max_bytes: int = Field(32 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)


class Sealed(CipherOptions):
    """``at``: where in the envelope the ciphertext stands; its plaintext is what is landed, and holds the records."""

    at: Dotted | None = Field(None, description="null: the whole body is encrypted, envelope and all")


class Options(_Block):
    path: Route
    method: Literal["GET", "POST"] = "GET"
    send: Send = Field("query", description="where parameters go; dots in names make objects in a json body")
    params: dict[str, str] = Field(default_factory=dict, description="sent with every page")
    headers: dict[str, str] = Field(default_factory=dict, description="sent with every call; no secrets")
    auth: Auth = NoAuth()
    paging: Paging
    format: Literal["json", "xml", "csv"] = "json"
    charset: Literal["utf-8", "gb18030"] = Field("utf-8", description="of csv that does not say so itself")
    envelope: Envelope = Envelope()
    cipher: Sealed | None = None
    limits: Limits = Limits()
    ahead: int = Field(4, ge=0, le=8, description="pages fetched before they are asked for")

    @model_validator(mode="after")
    def _fits(self) -> Options:
        if self.method == "GET" and self.send in ("json", "form"):
            raise ValueError("send json or form needs method POST")
        if self.format != "csv" and self.envelope.records is None and (self.cipher is None and self.format == "xml"):
            raise ValueError("envelope.records is needed for xml")
        return self
