"""The profile of a 12345 platform (适配配置): ``targets/hotline.yaml``. What vendors differ in is data here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from gateway.documents import read_document
from gateway.domain.order import REMOTE_TARGETS, State
from gateway.errors import Misconfigured

ORDER_FIELDS = frozenset(
    {
        "external_id", "area_code", "dept_code", "dept_name", "satisfaction", "indicators", "content", "project_no",
        "task_name", "contact_name", "contact_mobile", "rating_time", "due_time",
    }
)  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Predicate(_Part):
    """Holds if the answer's code is listed, or its message contains one of the texts."""

    codes: frozenset[str] = frozenset()
    messages: tuple[str, ...] = ()

    def holds(self, code: str | None, message: str | None) -> bool:
        return code in self.codes or any(text in (message or "") for text in self.messages)


class Operations(_Part):
    create: str
    query: str
    list: str
    update: str


class Auth(_Part):
    """``token``: the connection's password goes into the parameter ``param``."""

    kind: Literal["token"]
    param: str


class Timeouts(_Part):
    """Seconds."""

    connect: float = Field(5, gt=0, le=60)
    read: float = Field(30, gt=0, le=300)
    wall: float = Field(60, gt=0, le=600)


class ResultPaths(_Part):
    """Paths ``a/b`` below the root of an answer."""

    code: str
    message: str
    order_no: str
    order: str
    orders: str
    total: str


class OrderPaths(_Part):
    """Paths below one order of an answer."""

    order_no: str
    external_id: str
    status: str
    updated_at: str
    handler: str
    verify_result: str
    reply: str
    reply_time: str
    revisit: str
    revisit_time: str


class HotlineProfile(_Part):
    """See the module. Unknown keys are refused; a missing predicate makes the profile invalid."""

    target: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    name: str
    version: str
    connection: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    path: str = Field("/", pattern=r"^/")
    wsdl_file: Path
    wsdl_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    wsdl_imports: Mapping[str, str] = Field(default_factory=dict)
    binding_qname: str = Field(pattern=r"^\{.+\}\w+$")
    operations: Operations
    codec: Literal["xml", "json"]
    auth: Auth
    payload_param: str
    timeouts: Timeouts = Timeouts()
    page_size: int = Field(200, ge=1, le=5000)
    clock_skew: float = Field(120, ge=0, le=3600)
    max_unreachable: int = Field(3, ge=1)
    overlap: float = Field(1800, ge=0, description="seconds read again at every run; at least two intervals of track")
    feedback_channel: Literal["sms", "portal", "app", "phone"]
    order_fields: Mapping[str, str]
    update_fields: Mapping[str, str]
    query_fields: Mapping[str, str]
    list_fields: Mapping[str, str]
    result_paths: ResultPaths
    order_paths: OrderPaths
    success: Predicate
    duplicate: Predicate
    not_found: Predicate
    refusal_codes: frozenset[str]
    correction: Predicate
    refusal_faults: tuple[str, ...]
    status_map: Mapping[str, State]
    verify_map: Mapping[str, str]
    revisit_map: Mapping[str, Literal["satisfied", "dissatisfied", "not_reached", "refused"]]

    @field_validator("success", "duplicate", "not_found")
    @classmethod
    def _says_something(cls, predicate: Predicate) -> Predicate:
        if not predicate.codes and not predicate.messages:
            raise ValueError("a predicate needs codes or messages")
        return predicate

    @field_validator("order_fields")
    @classmethod
    def _known_fields(cls, fields: Mapping[str, str]) -> Mapping[str, str]:
        unknown = sorted(set(fields.values()) - ORDER_FIELDS)
        if unknown or "external_id" not in fields.values():
            raise ValueError(f"external_id is needed, unknown: {unknown}")
        return fields

    @field_validator("status_map")
    @classmethod
    def _reachable(cls, statuses: Mapping[str, State]) -> Mapping[str, State]:
        if set(statuses.values()) - REMOTE_TARGETS:
            raise ValueError(f"only {sorted(REMOTE_TARGETS)} can be reported by 12345")
        return statuses


def load_profile(file: Path) -> HotlineProfile:
    """The profile in ``file``. Raises ``Misconfigured('hotline.profile_invalid')`` with file, key and expected form."""
    try:
        return HotlineProfile.model_validate(read_document(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as unreadable:
        raise Misconfigured(
            "hotline.profile_invalid", file=file.name, key="-", expected=type(unreadable).__name__
        ) from unreadable
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "-"
        raise Misconfigured("hotline.profile_invalid", file=file.name, key=key, expected=first["msg"]) from invalid
