"""The ``options:`` block of a SOAP source whose list operation takes and gives one string of XML."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Tag = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.-]*$", description="an element's name")]
TagPath = Annotated[
    str, Field(pattern=r"^[A-Za-z_][\w.-]*(/[A-Za-z_][\w.-]*)*$", description="elements below the root")
]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Query(_Block):
    """Elements of the string that we send."""

    root: Tag = "query"
    since: Tag = "from"
    until: Tag | None = "to"
    until_value: str = Field("2999-12-31T23:59:59+08:00", description="sent as the end of the window: no end")
    page: Tag = "page"
    size: Tag = "size"


class Result(_Block):
    """Elements of the string that we receive."""

    code: TagPath = "code"
    success: list[str] = ["0"]
    unauthorised: list[str] = Field(["401", "403"], description="codes after which a person must change the token")
    total: TagPath | None = "total"
    records: TagPath
    moment: TagPath = Field(description="where a record says when it changed")


class Limits(_Block):
    """Seconds for one call."""

    connect: float = Field(5, gt=0, le=60)
    read: float = Field(30, gt=0, le=300)
    total: float = Field(60, gt=0, le=600)


class Options(_Block):
    wsdl_file: str = Field(description="below targets/")
    wsdl_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    binding: str = Field(pattern=r"^\{[^}]+\}\S+$", description="{namespace}name")
    path: str = Field("/ws", pattern=r"^/")
    operation: Tag
    token_param: Tag | None = Field("token", description="carries the connection's password; null: none")
    payload_param: Tag = "xml"
    query: Query = Query()
    result: Result
    size: int = Field(200, ge=1, le=10_000)
    start: str = Field("2000-01-01T00:00:00+08:00", description="since of the very first pull, inclusive")
    limits: Limits = Limits()
    ahead: int = Field(2, ge=0, le=8, description="pages fetched before they are asked for")
