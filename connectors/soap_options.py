"""How a list of SOAP is asked: the ``options:`` block of kind ``soap``, and what ``hotline`` makes of a profile."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.signing import SigningOptions

Tag = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.-]*$", description="an element's name")]
TagPath = Annotated[
    str, Field(pattern=r"^[A-Za-z_][\w.-]*(/[A-Za-z_][\w.-]*)*$", description="elements below the root")
]
Sum = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256, hex")]
PARTS = ("query", "since", "until", "page", "size", "token", "login", "timestamp", "nonce", "sign")
PART = re.compile(r"\{([a-z]+)\}")


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Query(_Block):
    """The string that we send: XML elements, or members of a JSON object."""

    codec: Literal["xml", "json"] = "xml"
    root: Tag = "query"
    since: Tag = "from"
    until: Tag | None = "to"
    until_value: str = Field("2999-12-31T23:59:59+08:00", description="sent as the end of the window: no end")
    page: Tag = "page"
    size: Tag = "size"


class Result(_Block):
    """What we receive: one string of XML or JSON, or elements that the WSDL spells out."""

    codec: Literal["xml", "json", "elements"] = "xml"
    code: TagPath | None = Field("code", description="null: the answer holds no code")
    success: list[str] = ["0"]
    message: TagPath | None = Field(None, description="where the answer holds a sentence")
    success_messages: list[str] = Field(
        default_factory=list, description="texts in that sentence that mean success, too"
    )
    unauthorised: list[str] = Field(["401", "403"], description="codes after which a person must change the token")
    total: TagPath | None = "total"
    records: TagPath
    moment: TagPath = Field(description="where a record says when it changed")


class Limits(_Block):
    """Seconds and bytes for one call."""

    connect: float = Field(5, gt=0, le=60)
    read: float = Field(30, gt=0, le=300)
    total: float = Field(60, gt=0, le=600)
    max_bytes: int = Field(32 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)


class SoapOptions(_Block):
    """Arguments and header texts are templates; parts in braces: query, since, until, page, size, token (the
    connection's password), login, timestamp, nonce, sign."""

    wsdl_file: str | None = Field(None, description="below targets/")
    wsdl_url: str | None = Field(
        None, pattern=r"^/", description="path and query at the source, fetched with each pull"
    )
    wsdl_sha256: Sum
    wsdl_imports: dict[str, Sum] = Field(
        default_factory=dict, description="what the WSDL imports: files, or path?query"
    )
    binding: str = Field(pattern=r"^\{[^}]+\}\S+$", description="{namespace}name; decides style and SOAP version")
    path: str = Field("/ws", pattern=r"^/")
    operation: Tag
    token_param: Tag | None = Field("token", description="carries the connection's password; null: none")
    payload_param: Tag = "xml"
    arguments: dict[Tag, str] | None = Field(None, description="all arguments, in place of the two above")
    headers: dict[str, str] = Field(default_factory=dict, description="SOAP header elements: {namespace}name to text")
    username_token: Literal["text", "digest"] | None = Field(None, description="WS-Security: login and password")
    signing: SigningOptions | None = Field(None, description="what {sign} is; its {values} are the other arguments")
    query: Query = Query()
    result: Result
    size: int = Field(200, ge=1, le=10_000)
    start: str = Field("2000-01-01T00:00:00+08:00", description="since of the very first pull, inclusive")
    lookback: float = Field(600, ge=0, le=2_592_000, description="seconds read again with each pull; 0: none")
    limits: Limits = Limits()
    ahead: int = Field(4, ge=0, le=8, description="pages fetched before they are asked for")

    @property
    def templates(self) -> dict[str, str]:
        """Arguments by name."""
        if self.arguments is not None:
            return self.arguments
        return {self.payload_param: "{query}"} | ({self.token_param: "{token}"} if self.token_param else {})

    @model_validator(mode="after")
    def _fits(self) -> SoapOptions:
        if (self.wsdl_file is None) == (self.wsdl_url is None):
            raise ValueError("exactly one of wsdl_file and wsdl_url is needed")
        written = " ".join([*self.templates.values(), *self.headers.values()])
        if unknown := {part for part in PART.findall(written) if part not in PARTS}:
            raise ValueError(f"parts {', '.join(sorted(unknown))} are unknown; known: {', '.join(PARTS)}")
        if "{sign}" in written and self.signing is None:
            raise ValueError("{sign} needs signing")
        return self
