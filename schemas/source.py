"""A source file (数据源配置): one YAML, ``mappings/<region>/<source>.yaml``. Unknown keys are refused."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class SourceFile(BaseModel):
    """One configured source. ``options`` belongs to the connector's kind, ``mapping`` to :mod:`gateway.mapping`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: str = Field(pattern=r"^[a-z][a-z0-9_]{2,62}$", description="id of the source, unique in the deployment")
    name: str = Field(min_length=1, max_length=100)
    connector: str = Field(description="kind: a folder of connectors/")
    connection: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="id of the connection with address and secrets")
    owner: str = Field(min_length=1, description="the unit that answers for the data")
    region: str = Field(pattern=r"^\d{12}$")
    schedule: str | None = Field("*/15 * * * *", description="cron, Asia/Shanghai; null: by hand only")
    enabled: bool = True
    options: dict[str, Any] = Field(default_factory=dict)
    mapping: dict[str, Any]
