"""A kind's manifest (清单), ``manifest.yaml`` in its folder: what it can do, and how good it is.

A quality level (质量等级) is a list of rules, each proved by the contract suite on a rig of that kind. A kind holds a
level when every rule of it and of those below is ``done``, or ``exempt`` with a reason.
"""

from __future__ import annotations

from importlib.resources.abc import Traversable
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.documents import read_document
from gateway.errors import Misconfigured
from gateway.mapping.written import complaint

MANIFEST = "manifest.yaml"
Level = Literal["none", "bronze", "silver", "gold"]
LEVELS: dict[Level, tuple[str, ...]] = {
    "none": (),
    "bronze": ("options_checked", "connection_test", "resumes", "nothing_twice", "empty"),
    "silver": ("wrong_credentials", "allow_list", "throttled", "cut", "garbage", "slow", "heals"),
    "gold": ("late", "huge", "deep", "hostile", "recorded"),
}


class Exempt(BaseModel):
    """Why a rule does not apply to a kind."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    exempt: str = Field(min_length=1)


class Manifest(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="the folder's name")
    name: str
    code: str | None = Field(
        None, pattern=r"^[a-z_][\w]*\.py:[A-Za-z_]\w*$", description="file.py:Class, for a site's own kind"
    )
    transport: list[str]
    auth: list[str]
    paging: list[str]
    formats: list[str]
    quality: Level = "none"
    rules: dict[str, Annotated[Literal["done"] | Exempt, Field()]] = Field(default_factory=dict)

    def lacking(self) -> list[str]:
        """Rules that its level asks for and that are neither done nor exempt."""
        levels = list(LEVELS)
        reached = levels[: levels.index(self.quality) + 1]
        return [rule for level in reached for rule in LEVELS[level] if rule not in self.rules]


def read_manifest(folder: Traversable) -> Manifest:
    """The manifest in ``folder``. Raises ``Misconfigured('connector.manifest')``."""
    try:
        manifest = Manifest.model_validate(read_document(folder.joinpath(MANIFEST).read_text(encoding="utf-8")))
    except ValidationError as invalid:
        keys, expected = complaint(Manifest, invalid)
        raise Misconfigured("connector.manifest", kind=folder.name, key=".".join(keys), expected=expected) from invalid
    except (OSError, yaml.YAMLError) as unreadable:
        raise Misconfigured("connector.manifest", kind=folder.name, key="", expected="YAML") from unreadable
    if manifest.kind != folder.name:
        raise Misconfigured("connector.manifest", kind=folder.name, key="kind", expected=folder.name)
    return manifest
