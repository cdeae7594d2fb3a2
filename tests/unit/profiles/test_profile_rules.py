"""Field maps and predicates, by the profiles that ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.crypto.canonical import canonical_json
from gateway.crypto.digest import sm3_hex
from gateway.errors import Misconfigured, Rejected
from gateway.mapping import load_masters
from gateway.profiles.fields import FieldMap, Sender, merged
from gateway.profiles.profile import Profile, load_profile
from gateway.profiles.verdict import Predicates, Said

SHIPPED = Path(__file__).resolve().parents[3] / "targets" / "profiles"
PROFILES = {path.stem: load_profile(SHIPPED, path.stem) for path in sorted(SHIPPED.glob("*.yaml"))}
SENT = {"projectNo": "37P1", "satisfaction": "4"}
DIGEST = sm3_hex(canonical_json(SENT))


def judged(profile: str, fields: dict[str, str], *, status: int = 200, version: int = 1, tried: bool = False) -> str:
    said = Said(status, b"raw", fields, "\n".join(fields.values()))
    verdict = PROFILES[profile].answers.judge(said, DIGEST, version=version, tried_before=tried)
    return f"{verdict.outcome} {verdict.code or ''}".strip()


@pytest.mark.parametrize(
    ("profile", "fields", "meaning"),
    [
        ("bj-form", {"success": "true", "code": "200"}, "delivered"),
        ("bj-form", {"success": "false", "code": "200"}, "unknown profile.answer_unreadable"),
        ("bj-form", {"success": "true"}, "unknown profile.answer_unreadable"),
        ("bj-form", {"success": "false", "code": "-1"}, "unknown profile.answer_unreadable"),
        ("bj-form", {"success": "false", "code": "404"}, "credential profile.credential"),
        ("sd-txn", {"C-Response-Desc": "success", "C-Response-Body": "{}"}, "delivered"),
        ("sd-txn", {"code": "0", "success": "true"}, "delivered"),
        ("sd-txn", {"code": "0", "success": "false"}, "refused profile.refused"),
        ("sd-txn", {"C-Response-Desc": "fail", "message": "评价数据不可重复"}, "delivered duplicate"),
        ("sd-txn", {"C-Response-Desc": "success", "message": "已存在该条服务信息"}, "delivered duplicate"),
        ("sd-txn", {"C-Response-Desc": "success", "message": "没有对应的服务数据"}, "hold profile.parent_awaited"),
        ("sd-txn", {"message": "本次服务已存在评价"}, "refused profile.conflict"),
        ("sd-txn", {"message": "差评必须勾选详情或填写文字评价"}, "refused profile.refused"),
        ("sd-txn", {"message": "别的文字"}, "refused profile.refused"),
        ("fj-soap", {"code": "200", "evaluateUnid": "U1"}, "delivered"),
        ("fj-soap", {"code": "3"}, "delivered duplicate"),
        ("fj-soap", {"code": "400"}, "refused profile.refused"),
        ("fj-soap", {"code": "401"}, "credential profile.credential"),
        ("fj-soap", {"code": "403"}, "credential profile.credential"),
        ("fj-soap", {"code": "404"}, "credential profile.credential"),
        ("fj-soap", {"code": "500"}, "unknown profile.answer_unreadable"),
        ("fj-soap", {"message": "成功"}, "unknown profile.answer_unreadable"),
        ("tif-header", {"code": "0"}, "delivered"),
        ("tif-header", {"message": "ok"}, "unknown profile.answer_unreadable"),
    ],
)
def test_an_answer_means_what_the_interface_says(profile: str, fields: dict[str, str], meaning: str) -> None:
    assert judged(profile, fields) == meaning


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_status_that_says_nothing_is_unknown_whatever_the_body(profile: str, status: int) -> None:
    fields = {"code": "200", "success": "true", "C-Response-Desc": "success"}
    assert judged(profile, fields, status=status).startswith("unknown")


@pytest.mark.parametrize("profile", PROFILES)
def test_http_200_alone_is_never_success(profile: str) -> None:
    assert not judged(profile, {}).startswith("delivered")


def test_already_there_speaks_of_us_only_when_we_had_tried_before() -> None:
    there = {"message": "本次服务已存在评价"}
    assert judged("sd-txn", there, tried=True) == "delivered duplicate"
    assert judged("sd-txn", {"message": "评价数据不可重复"}, version=2) == "refused profile.conflict"
    assert judged("sd-txn", {"message": "评价数据不可重复"}, version=2, tried=True) == "delivered duplicate"


@pytest.mark.parametrize(
    ("held", "outcome"), [(SENT, "delivered"), ({**SENT, "satisfaction": "1"}, "refused"), ("no object", "refused")]
)
def test_what_they_return_is_compared_by_digest(held: object, outcome: str) -> None:
    rules = {"success": {}, "duplicate": {"texts": ["不可重复"]}, "content": "held"}
    predicates = Predicates.model_validate(rules)
    text = canonical_json(held).decode()
    said = Said(200, b"", {"held": text, "message": "不可重复"}, "不可重复")
    for tried in (False, True):
        assert predicates.judge(said, DIGEST, version=1, tried_before=tried).outcome == outcome


def test_a_field_map_renames_counts_shortens_and_prefixes() -> None:
    mapping = FieldMap.model_validate(
        {
            "fields": {
                "EXE_ID": {"from": ["projectNo"], "province": True},
                "region": {"from": ["areaCode"], "first": 6},
                "details": "evalDetail",
                "number": {"from": ["evalDetail"], "count": True},
                "who": {"from": ["certKeyGOV", "certKey"]},
                "flag": {"value": "U"},
                "absent": "nothing",
            },
            "required": ["EXE_ID", ["who", "absent"]],
            "when": [{"field": "flag", "values": ["U"], "required": ["details"]}],
        }
    )
    data = {"projectNo": "P1", "areaCode": "370100000000", "evalDetail": "411,412", "certKey": "K"}
    assert mapping.render(data, Sender("37")) == {
        "EXE_ID": "37P1",
        "region": "370100",
        "details": "411,412",
        "number": "2",
        "who": "K",
        "flag": "U",
    }
    for without, named in (("projectNo", "EXE_ID"), ("certKey", "who/absent"), ("evalDetail", "details")):
        with pytest.raises(Rejected, match=rf"field={named}"):
            mapping.render({name: value for name, value in data.items() if name != without}, Sender("37"))


def test_a_replaced_region_is_sent_by_its_present_code_only_where_that_is_demanded() -> None:
    """Normalisation, rule 2: the ledger keeps the code of the day; successors have successors."""
    now = {"from": ["areaCode"], "current": True}
    mapping = FieldMap.model_validate({"fields": {"then": "areaCode", "now": now, "short": {**now, "first": 6}}})
    sender = Sender("33", {"330103000000": "330105000000", "330105000000": "330199000000", "1": "2", "2": "1"})
    for region, successor in (("330103000000", "330199000000"), ("511602000000", "511602000000")):
        found = mapping.render({"areaCode": region}, sender)
        assert found == {"then": region, "now": successor, "short": successor[:6]}
    assert mapping.render({"areaCode": "1"}, sender)["now"] == "2", "a circle has an end"
    masters = load_masters(SHIPPED.parents[1] / "mappings")
    assert Sender("33", masters.successors).in_force("330103000000") == "330105000000"


def test_what_a_record_says_itself_counts_more_than_its_parent() -> None:
    assert merged({"userName": "甲", "taskCode": "T"}, {"userName": "乙"}) == {"userName": "乙", "taskCode": "T"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("profile: x\nsurprise: 1\n", "name"),
        ("[", ""),
        ("profile: bj-form\nname: n\nversion: '1'\ncodec: form\ncalls: {}\nanswers: {success: {}}\n", "calls"),
    ],
)
def test_a_profile_that_is_wrong_names_its_key(tmp_path: Path, text: str, key: str) -> None:
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured, match=rf"profile\.invalid.*key={key}"):
        load_profile(tmp_path, "x")


def test_an_unknown_profile_names_those_that_there_are() -> None:
    with pytest.raises(Misconfigured, match="bj-form, fj-soap, sd-txn, tif-header"):
        load_profile(SHIPPED, "none")


def test_a_receiver_that_counts_repeats_takes_one_record_a_batch() -> None:
    held: list[Profile] = [profile for profile in PROFILES.values() if profile.after_unknown == "hold"]
    assert [(profile.profile, profile.batch_records) for profile in held] == [("bj-form", 1)]
