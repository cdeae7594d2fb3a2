"""A target profile (接口适配) as data: one YAML below ``targets/profiles/``. Unknown keys are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.documents import read_document
from gateway.errors import Misconfigured
from gateway.national.accepts import Accepts
from gateway.profiles.fields import FieldMap
from gateway.profiles.sm2_text import Order
from gateway.profiles.verdict import Predicates
from schemas.attributes import Kind

FOLDER = "profiles"


class Call(FieldMap):
    """How a record of one kind is sent. ``slot``: the name that the object goes under, where the envelope has one."""

    path: str = Field("", pattern=r"^(/\S*)?$", description="path of the call")
    operation: str = Field("", description="SOAP operation")
    slot: str = ""


class TokenCall(BaseModel):
    """Where a token is fetched, and how long ours is used (seconds)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: str
    renew_seconds: float = Field(60.0, gt=0)
    invalid: str = Field("access_token_invalid", description="what a fault says when it is no longer taken")


class Profile(BaseModel):
    """Everything that receivers of this kind differ in; address and secrets stand in the target's connection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    profile: str = Field(pattern=r"^[a-z0-9-]{1,16}$")
    name: str = Field(min_length=1, max_length=100)
    version: str = Field(min_length=1, max_length=16)
    codec: Literal["form", "txn", "soap", "header"]
    calls: dict[Kind, Call] = Field(min_length=1, description="by kind; a kind without one is not sent there")
    answers: Predicates
    after_unknown: Literal["resend", "hold"] = Field(
        description="resend: a repeat is recognised there; hold: it would count twice, so a person looks first"
    )
    batch_records: int = Field(100, ge=1, le=5000, description="records in a run of calls, unless the target says")
    accepts: Accepts = Field(default_factory=Accepts, description="what receivers of this kind take")
    order: Order = Field("c1c3c2", description="of SM2 ciphertext")
    namespace: str = Field("", description="SOAP: of the operations and the header")
    root: str = Field("", description="SOAP: element around the fields")
    token: TokenCall | None = None
    ping: str = Field("", pattern=r"^(/\S*)?$", description="path of a GET that proves address and token")

    def takes(self, kind: str) -> bool:
        return kind in self.calls


def load_profile(folder: Path, name: str) -> Profile:
    """``<folder>/<name>.yaml``. Raises ``Misconfigured``: ``profile.unknown``, ``profile.invalid``."""
    path = folder / f"{name}.yaml"
    try:
        content = read_document(path.read_text(encoding="utf-8"))
    except OSError as missing:
        known = ", ".join(sorted(file.stem for file in folder.glob("*.yaml")))
        raise Misconfigured("profile.unknown", profile=name, known=f"native, ferry, {known}") from missing
    except yaml.YAMLError as broken:
        raise Misconfigured("profile.invalid", file=path.name, key="", expected="YAML") from broken
    try:
        return Profile.model_validate(content)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise Misconfigured("profile.invalid", file=path.name, key=key, expected=first["msg"]) from invalid
