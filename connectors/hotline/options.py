"""The ``options:`` block of a 12345 source: what the platform's profile doesn't say. Unknown keys are refused."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from connectors.soap_options import Limits, Query, Result, SoapOptions, Tag, TagPath
from gateway.hotline.profile import HotlineProfile


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Block):
    """What the elements of the query are called."""

    since: Tag = "from"
    until: Tag | None = "to"
    page: Tag = "page"
    size: Tag = "size"


class Ratings(_Block):
    """Evaluations (评价) that 12345 has gathered, by a list operation of their own."""

    what: Literal["ratings"]
    operation: Tag
    query: Asked = Asked()
    records: TagPath
    moment: TagPath = Field(description="where a rating says when it changed")


class Orders(_Block):
    """Orders (工单) that are not ours, by the list operation that the profile names for the closed loop. Ours come back
    through ``track``: taken here too, an answer to a revisit would raise the next order."""

    what: Literal["orders"]


class Options(_Block):
    profile: str = Field(
        "hotline",
        pattern=r"^[a-z][a-z0-9_]*$",
        description="targets/<profile>.yaml, that dispatch and track follow too",
    )
    take: Annotated[Ratings | Orders, Field(discriminator="what")]
    size: int | None = Field(None, ge=1, le=10_000, description="records a page; null: as the profile says")
    start: str = Field("2000-01-01T00:00:00+08:00", description="since of the very first pull, inclusive")
    lookback: float = Field(600, ge=0, le=2_592_000, description="seconds read again with each pull; 0: none")
    max_bytes: int = Field(32 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024, description="of one answer")
    ahead: int = Field(4, ge=0, le=8, description="pages fetched before they are asked for")

    def over(self, profile: HotlineProfile) -> SoapOptions:
        """How the list is asked for at that platform."""
        operation, asked, records, moment = _list_of(self.take, profile)
        paths, seconds = profile.result_paths, profile.timeouts
        return SoapOptions(
            wsdl_file=str(profile.wsdl_file),
            wsdl_sha256=profile.wsdl_sha256,
            wsdl_imports=dict(profile.wsdl_imports),
            binding=profile.binding_qname,
            path=profile.path,
            operation=operation,
            token_param=profile.auth.param,
            payload_param=profile.payload_param,
            query=Query(codec=profile.codec, **asked.model_dump()),
            result=Result(
                codec=profile.codec,
                code=paths.code,
                success=sorted(profile.success.codes),
                message=paths.message,
                success_messages=list(profile.success.messages),
                total=paths.total,
                records=records,
                moment=moment,
            ),
            size=self.size or profile.page_size,
            start=self.start,
            lookback=self.lookback,
            limits=Limits(connect=seconds.connect, read=seconds.read, total=seconds.wall, max_bytes=self.max_bytes),
            ahead=self.ahead,
        )


def _list_of(take: Ratings | Orders, profile: HotlineProfile) -> tuple[str, Asked, str, str]:
    """Operation, query, and where the answer holds the records and their moments."""
    if isinstance(take, Ratings):
        return take.operation, take.query, take.records, take.moment
    theirs = {ours: name for name, ours in profile.list_fields.items()}
    return profile.operations.list, Asked(**theirs), profile.result_paths.orders, profile.order_paths.updated_at
