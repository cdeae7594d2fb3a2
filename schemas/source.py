"""A source file (数据源配置): one YAML, ``mappings/<region>/<source>.yaml``. Unknown keys are refused."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from schemas.flow import Maintenance, Rate


class ErrorBudget(BaseModel):
    """How much of a source may go to quarantine before it is suspended, so that a person looks (错误预算)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.2, gt=0, le=1, description="of the records of its recent pages")
    least: int = Field(200, ge=1, description="refused records; fewer never suspend it")


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
    gated: bool = Field(False, description="true: a draft, never pulled or pushed until `gw source go-live` says so")
    error_budget: ErrorBudget | None = Field(default_factory=ErrorBudget, description="null: no limit")
    maintenance: list[Maintenance] = Field(default_factory=list, description="times in which it is not asked")
    rate: Rate | None = Field(None, description="calls over its connection, all workers together; null: no limit")
    parallel: int | None = Field(
        None, ge=1, le=64, description="pulls at once over its connection, all workers together; null: no limit"
    )
    options: dict[str, Any] = Field(default_factory=dict)
    mapping: dict[str, Any]

    _file: str = PrivateAttr("")
    _lines: dict[tuple[str, ...], int] = PrivateAttr(default_factory=dict)

    def written_at(self, file: str, lines: dict[tuple[str, ...], int]) -> None:
        """Remember the file and the line (from 1) of every key, so that a later check can name them."""
        self._file, self._lines = file, lines

    def where(self, *keys: str) -> tuple[str, int]:
        """File and line of the deepest key of ``keys`` that is written there; line 0 when made without a file."""
        for depth in range(len(keys), -1, -1):
            if keys[:depth] in self._lines:
                return self._file, self._lines[keys[:depth]]
        return self._file, 0
