"""The 12345 profile: what a deployment may write into ``targets/hotline.yaml``, and what is refused."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.domain.order import State
from gateway.errors import Misconfigured
from gateway.hotline.profile import Predicate, load_profile

TARGETS = Path(__file__).parents[3] / "targets"


def written(folder: Path, **changed: Any) -> Path:
    held = yaml.safe_load((TARGETS / "hotline.yaml").read_text(encoding="utf-8"))
    for key, value in changed.items():
        if value is None:
            del held[key]
        else:
            held[key] = value
    file = folder / "hotline.yaml"
    file.write_text(yaml.safe_dump(held, allow_unicode=True), encoding="utf-8")
    return file


def test_the_profile_that_is_shipped() -> None:
    profile = load_profile(TARGETS / "hotline.yaml")
    wsdl = (TARGETS / profile.wsdl_file).read_bytes()
    assert hashlib.sha256(wsdl).hexdigest() == profile.wsdl_sha256
    assert profile.status_map["已结案"] is State.ARCHIVED
    assert "待补充" not in profile.status_map


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("success", None),
        ("duplicate", {}),
        ("not_found", {"codes": []}),
        ("retries", 3),
        ("order_fields", {"externalId": "external_id", "x": "certificate_number"}),
        ("order_fields", {"content": "content"}),
        ("status_map", {"待受理": "10"}),
        ("status_map", {"待受理": "99"}),
        ("wsdl_sha256", "abc"),
        ("codec", "csv"),
        ("auth", {"kind": "basic", "param": "token"}),
        ("timeouts", {"read": 0}),
        ("revisit_map", {"满意": "fine"}),
    ],
)
def test_what_is_refused_is_named(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(Misconfigured) as refused:
        load_profile(written(tmp_path, **{key: value}))
    assert refused.value.code == "hotline.profile_invalid"
    assert refused.value.params["key"].startswith(key)
    assert refused.value.params["file"] == "hotline.yaml"


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe", b"- 1"])
def test_what_is_no_profile_at_all(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.yaml"
    file.write_bytes(content)
    with pytest.raises(Misconfigured, match=r"hotline\.profile_invalid"):
        load_profile(file)
    with pytest.raises(Misconfigured, match=r"hotline\.profile_invalid"):
        load_profile(tmp_path / "none.yaml")


def test_predicates() -> None:
    said = Predicate(codes=frozenset({"0"}), messages=("保存成功",))
    assert said.holds("0", None)
    assert said.holds("7", "数据保存成功!")
    assert not said.holds(None, None)
    assert not said.holds("00", "保存失败")
