"""A target file (上报目标配置): one YAML below ``targets/``. Unknown keys are refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.documents import read_document
from gateway.errors import Misconfigured
from gateway.national.accepts import Accepts

NAME = r"^[A-Za-z0-9_-]{1,64}$"
HOTLINE = "hotline"  # where orders go: no receiver of batches, though its file lies beside theirs


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
    enabled: bool = Field(True, description="false: pushed only where a command names it")

    @property
    def numbered(self) -> bool:
        """Whether it gets sealed batches of a sequence, by wire or by ferry, so that its holes are ours to close."""
        return self.profile in ("native", "ferry")

    @property
    def reconciles(self) -> bool:
        """Whether its interface lets a day be compared; elsewhere two people put their names to it."""
        return self.profile == "native"


NATIONAL = TargetFile(target="national", name="国家政务服务平台", connection="national", recipient="NATIONAL")


class BrokenTarget(NamedTuple):
    """A target file that can't be used, and why."""

    target: str
    file: str
    error: Misconfigured


class Targets(NamedTuple):
    """All receivers of batches below ``targets/``, by file name; a broken file costs its neighbours nothing."""

    usable: tuple[TargetFile, ...]
    broken: tuple[BrokenTarget, ...]

    @property
    def pushed(self) -> list[TargetFile]:
        """Those that a cycle and the schedule push to."""
        return [one for one in self.usable if one.enabled]

    @property
    def unheard(self) -> list[str]:
        """Ids of those whose interface has no call that compares a day."""
        return [one.target for one in self.usable if not one.reconciles]


def survey_targets(folder: Path) -> Targets:
    """Read every file; nothing is raised."""
    usable, broken = list[TargetFile](), list[BrokenTarget]()
    for path, content in _files(folder):
        named = str(content.get("target", path.stem)) if isinstance(content, dict) else path.stem
        if named == HOTLINE:
            continue
        try:
            usable.append(_read(path, content))
        except Misconfigured as wrong:
            broken.append(BrokenTarget(named, path.name, wrong))
    return Targets(tuple(usable), tuple(broken))


def load_target(folder: Path, target_id: str) -> TargetFile:
    """The target ``target_id``. Raises ``Misconfigured``: ``target.unknown``, ``target.invalid``,
    ``target.not_a_receiver``."""
    if target_id == HOTLINE:
        raise Misconfigured("target.not_a_receiver", target=target_id)
    unreadable = None
    for path, content in _files(folder):
        if isinstance(content, Misconfigured):
            unreadable = unreadable or content  # it may be the one that is asked for
        elif isinstance(content, dict) and content.get("target") == target_id:
            return _read(path, content)
    if unreadable is not None:
        raise unreadable
    raise Misconfigured("target.unknown", target=target_id, folder=folder.name)


def _files(folder: Path) -> Iterator[tuple[Path, Any]]:
    """Every file with its content, or with what is wrong with it."""
    for path in sorted(folder.glob("*.yaml")):
        try:
            yield path, read_document(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError):
            yield path, Misconfigured("target.invalid", file=path.name, key="", expected="YAML")


def _read(path: Path, content: Any) -> TargetFile:
    if isinstance(content, Misconfigured):
        raise content
    try:
        return TargetFile.model_validate(content)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise Misconfigured("target.invalid", file=path.name, key=key, expected=first["msg"]) from invalid
