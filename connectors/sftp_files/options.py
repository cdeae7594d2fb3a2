"""The ``options:`` block of a source of files. Unknown keys are refused."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

MIB = 1024 * 1024
Transport = Literal["sftp", "ftp", "ftps", "local"]
Charset = Literal["auto", "utf-8", "utf-8-sig", "gb18030", "utf-16"]
Delimiter = Literal["comma", "semicolon", "tab", "pipe"]
Form = Literal["csv", "json_lines", "json", "xml", "xlsx", "xls"]


class _Block(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Unpacking(_Block):
    """What a zip or gzip (or an .xlsx, which is a zip) may hold; beyond it the file is refused as a whole."""

    max_files: int = Field(200, ge=1, le=10_000)
    max_bytes: int = Field(256 * MIB, ge=1024, le=2048 * MIB, description="of all content, unpacked")
    max_ratio: int = Field(200, ge=2, le=2000, description="unpacked to packed bytes")


class Options(_Block):
    transport: Transport = Field("sftp", description="ftps: FTP with explicit TLS; local: a folder of this machine")
    folder: str = Field(pattern=r"^/", description="absolute path of the folder where files are dropped")
    archive: str | None = Field(None, pattern=r"^/", description="where landed files go; null: they stay")
    error: str | None = Field(None, pattern=r"^/", description="where refused files go; null: they stay")
    pattern: str = Field("*", description="file names to take, with * and ?")
    form: Form | None = Field(None, description="of every file, whatever its name ends in; null: by the name's end")
    flag_suffix: str | None = Field(
        ".ok", min_length=1, description="complete when <name><suffix> stands beside it; null: by stable_seconds"
    )
    flag_holds_rows: bool = Field(False, description="the flag's content is the number of rows")
    stable_seconds: float = Field(10, ge=0, le=300, description="without flags: size and time must not change so long")
    checksum: Literal["beside", "required", "ignored"] = Field(
        "beside", description="<name>.md5, .sha256 or .sm3: must fit where it stands; required: must stand there"
    )
    charset: Charset = Field("auto", description="auto: strict utf-8, then gb18030, one for the whole file")
    delimiter: Delimiter = Field("comma", description="what parts the fields of a csv")
    name_charset: Literal["utf-8", "gb18030"] = "utf-8"
    slice_rows: int = Field(2000, ge=1, le=100_000, description="csv and JSON lines are cut into pages of so many rows")
    max_bytes: int = Field(64 * MIB, ge=1024, le=512 * MIB, description="a larger file is refused unread")
    unpack: Unpacking = Unpacking()
    seconds: float = Field(300, gt=0, le=3600, description="for one file, from open to last byte")

    @model_validator(mode="after")
    def _rows_need_a_flag(self) -> Options:
        if self.flag_holds_rows and self.flag_suffix is None:
            raise ValueError("flag_holds_rows needs flag_suffix")
        return self
