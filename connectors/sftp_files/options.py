"""The ``options:`` block of a source of files. Unknown keys are refused."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    transport: Literal["sftp", "local"] = Field("sftp", description="local: a folder of this machine (ferry 网闸摆渡)")
    folder: str = Field(pattern=r"^/", description="absolute path of the folder where files are dropped")
    archive: str | None = Field(None, pattern=r"^/", description="where landed files go; null: they stay")
    pattern: str = Field("*", description="file names to take, with * and ?")
    flag_suffix: str = Field(".ok", min_length=1, description="a file is complete when <name><suffix> stands beside it")
    flag_holds_rows: bool = Field(False, description="the flag's content is the number of rows")
    charset: Literal["utf-8", "utf-8-sig", "gb18030"] = "gb18030"
    name_charset: Literal["utf-8", "gb18030"] = "utf-8"
    slice_rows: int = Field(2000, ge=1, le=100_000, description="a longer csv is cut, each slice with the header")
    max_bytes: int = Field(64 * 1024 * 1024, ge=1024, le=512 * 1024 * 1024)
    seconds: float = Field(300, gt=0, le=3600, description="for one file, from open to last byte")
