"""A target file (上报目标配置): one YAML below ``targets/``. Unknown keys are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.errors import Misconfigured
from gateway.national.accepts import Accepts

NAME = r"^[A-Za-z0-9_-]{1,64}$"


class TargetFile(BaseModel):
    """Where and how batches are pushed. Address and credentials stand in the connection that it names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str = Field(pattern=NAME)
    name: str = Field(min_length=1, max_length=100)
    profile: str = Field("native", pattern=r"^[a-z0-9-]{1,16}$", description="native, ferry, or one below profiles/")
    connection: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    recipient: str = Field(pattern=NAME, description="the receiver's id in every header")
    recipient_key: str = Field(
        "", pattern=r"^([0-9a-f]{16})?$", description="id of its key; empty: the only one pinned"
    )
    stream: str = Field("main", pattern=NAME, description="name of the sequence of batches")
    suite: Literal["GM-GCM-1", "GM-CBC-1", "INTL-1"] = "GM-GCM-1"
    batch_records: int = Field(1000, ge=1, le=50_000, description="records in a batch at most")
    batch_bytes: int = Field(16_777_216, ge=65_536, le=67_108_864, description="bytes of a sealed batch at most")
    accepts: Accepts = Field(default_factory=Accepts, description="what it takes; unset: as its profile says")
    expires_days: int = Field(30, ge=4, le=365, description="outlasts the retry window and an operator's restore")


def load_target(folder: Path, target_id: str) -> TargetFile:
    """The target ``target_id``. Raises ``Misconfigured``: ``target.unknown``, ``target.invalid``."""
    for path in sorted(folder.glob("*.yaml")):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as broken:
            raise Misconfigured("target.invalid", file=path.name, key="", expected="YAML") from broken
        if isinstance(content, dict) and content.get("target") == target_id:
            try:
                return TargetFile.model_validate(content)
            except ValidationError as invalid:
                first = invalid.errors()[0]
                key = ".".join(str(part) for part in first["loc"])
                raise Misconfigured("target.invalid", file=path.name, key=key, expected=first["msg"]) from invalid
    raise Misconfigured("target.unknown", target=target_id, folder=folder.name)
