"""Each profile against its double: all of it arrives once, whatever is lost, refused or repeated on the way."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.mapping.outcome import CanonicalRecord
from gateway.stages.delivery_acts import list_batches, show_batch
from gateway.stages.push import push
from tests.integration.delivery.world import evaluation, fill, service
from tests.integration.profiles.conftest import Clock, Open
from tests.integration.profiles.world import TARGET, World, rectification

EFFECTS = {
    "bj-form": {"service": 4},
    "sd-txn": {"service": 4, "evaluation": 4},
    "fj-soap": {"evaluation": 4, "rectification": 1},
    "tif-header": {"service": 4, "evaluation": 4, "rectification": 1},
}
RESENDING = ("sd-txn", "fj-soap", "tif-header")


def town(count: int = 4) -> list[list[CanonicalRecord]]:
    """Cases with their evaluation; the first was put right."""
    online = {"project_name": "食品经营许可", "indicators": ["411", "412"]}
    cases = [[service(number), evaluation(number, indicators=online["indicators"])] for number in range(count)]
    return [*cases, [rectification(0)]]


def effects(world: World) -> dict[str, int]:
    return dict(Counter(kind for kind, _ in world.receiver.effects))


def run(world: World, times: int = 6) -> None:
    for _ in range(times):
        push(world.context, TARGET)


@pytest.mark.parametrize("profile", EFFECTS)
def test_everything_arrives_once_and_the_batch_says_that_there_is_no_receipt(province: Open, profile: str) -> None:
    world = province(profile)
    fill(world.context, *town())
    run(world, 3)
    assert effects(world) == EFFECTS[profile]
    assert set(world.receiver.arrivals.values()) == {1}
    assert set(world.states()) == {"ACKNOWLEDGED"}
    line = world.batches()[0]
    assert line.state_text == {"zh": "已接收（无回执）", "en": "accepted without receipt"}
    assert show_batch(world.context, line.batch_id).receipt_id == f"unsigned:{profile}"
    assert push(world.context, TARGET).sealed == 0


@pytest.mark.parametrize("profile", RESENDING)
@pytest.mark.parametrize(("fault", "took_effect"), [("lose_reply", 1), ("garbage", 0), ("503", 0)])
def test_a_lost_answer_is_sent_again_and_counts_once(
    province: Open, profile: str, fault: str, took_effect: int
) -> None:
    world = province(profile)
    fill(world.context, *town()[:-1])
    world.receiver.desk.order({"kind": fault, "times": 2, "match": "POST"})
    run(world)
    assert effects(world) == {kind: count for kind, count in EFFECTS[profile].items() if kind != "rectification"}
    assert set(world.states()) == {"ACKNOWLEDGED"}
    assert sum(line.duplicates or 0 for line in world.batches()) == took_effect


@pytest.mark.parametrize("profile", RESENDING)
def test_one_refused_record_goes_to_quarantine_with_their_words_and_its_neighbours_arrive(
    province: Open, profile: str
) -> None:
    world = province(profile)
    bad = {"projectNo": "P000002", "EXE_ID": "P000002"}
    world.receiver.refuse = lambda kind, record: (
        "差评必须勾选详情或填写文字评价"
        if kind == "evaluation" and any(record.get(name, "").endswith(value) for name, value in bad.items())
        else None
    )
    fill(world.context, *town())
    run(world, 2)
    assert effects(world)["evaluation"] == 3
    partly = next(line for line in world.batches() if line.state == "PARTIALLY_ACCEPTED")
    assert (partly.rejected, partly.state_text["zh"]) == (1, "部分接收（无回执）")
    assert [item.code for item in show_batch(world.context, partly.batch_id).items] == ["profile.refused"]


def test_a_refused_service_keeps_its_evaluation_back(province: Open) -> None:
    world = province("sd-txn")
    world.receiver.refuse = lambda kind, record: "事项不存在" if kind == "service" else None
    fill(world.context, *town(1))
    run(world, 2)
    assert effects(world) == {}
    detail = show_batch(world.context, world.batches()[0].batch_id)
    assert [item.code for item in detail.items] == ["profile.refused", "parent.missing"]
    assert not [key for key in world.receiver.arrivals if key[0] == "evaluation"]


def test_a_parent_that_they_do_not_see_yet_is_waited_for(province: Open, clock: Clock) -> None:
    world = province("sd-txn")
    blind = [True]
    world.receiver.refuse = lambda kind, record: "没有对应的服务数据" if kind == "evaluation" and blind[0] else None
    fill(world.context, *town(2))
    push(world.context, TARGET)
    assert world.states() == ["RETRY_WAIT"]
    assert world.batches()[0].failure_code == "profile.parent_awaited"
    blind.clear()
    blind.append(False)
    run(world)
    assert effects(world) == {"service": 2, "evaluation": 2}
    assert world.states() == ["ACKNOWLEDGED"]
    assert world.receiver.arrivals.total() == 4


def test_an_evaluation_made_on_their_own_page_is_a_conflict_for_a_person(province: Open) -> None:
    world = province("sd-txn")
    fill(world.context, *town(1))
    world.receiver.evaluated_elsewhere("37P000000", "1")
    push(world.context, TARGET)
    detail = show_batch(world.context, world.batches()[0].batch_id)
    assert [item.code for item in detail.items] == ["profile.conflict"]


def test_the_older_form_of_their_answers_is_understood(province: Open) -> None:
    world = province("sd-txn")
    world.receiver.older = True
    fill(world.context, *town())
    run(world, 1)
    assert effects(world) == EFFECTS["sd-txn"]
    assert world.states() == ["ACKNOWLEDGED"]


def test_the_project_number_carries_the_province_at_this_target_only(province: Open) -> None:
    world = province("sd-txn")
    fill(world.context, *town(1))
    run(world, 1)
    assert {record["projectNo"] for _, record in world.receiver.effects} == {"37P000000"}
    assert world.receiver.of("service")[0]["proProjectNo"] == "37P000000"


def test_a_token_that_is_no_longer_taken_is_fetched_again_once(province: Open) -> None:
    world = province("fj-soap")
    fill(world.context, *town(1))
    push(world.context, TARGET)
    world.receiver.expire()
    fill(world.context, *[[service(number), evaluation(number)] for number in (8, 9)])
    push(world.context, TARGET)
    assert effects(world) == {"evaluation": 3, "rectification": 1}
    assert set(world.states()) == {"ACKNOWLEDGED"}


def test_a_rectification_names_what_they_called_the_evaluation(province: Open) -> None:
    world = province("fj-soap")
    fill(world.context, *town(1))
    run(world, 2)
    assert world.receiver.of("rectification") == [
        {
            "evaluateUnid": "EU0000000001",
            "EXE_ID": "P000000",
            "rectification": "已当面致歉并补办",
            "effectivEvalua": "1",
            "appStatus": "1",
            "flag": "U",
        }
    ]


def test_a_name_that_was_lost_with_an_answer_keeps_its_rectification_for_a_person(province: Open) -> None:
    world = province("fj-soap")
    fill(world.context, [service(0), evaluation(0)])
    world.receiver.desk.order({"kind": "lose_reply", "times": 1, "match": "POST"})
    run(world, 2)
    fill(world.context, [service(1), evaluation(1)], [rectification(0)], [rectification(1)])
    run(world, 2)
    assert [record["evaluateUnid"] for record in world.receiver.of("rectification")] == ["EU0000000002"]
    codes = [item.code for line in world.batches() for item in show_batch(world.context, line.batch_id).items]
    assert codes == ["duplicate", "profile.field_missing"]


@pytest.mark.parametrize("profile", EFFECTS)
def test_a_receiver_that_is_away_costs_nothing_but_time(province: Open, profile: str) -> None:
    world = province(profile)
    fill(world.context, *town())
    listening = world.context.settings.connections["province"]
    nowhere = listening.model_copy(update={"port": 9})
    world.context.settings.connections["province"] = nowhere
    push(world.context, TARGET)
    assert set(world.states()) <= {"RETRY_WAIT", "QUEUED"}
    assert not any(line.maybe_sent for line in world.batches())
    world.context.settings.connections["province"] = listening
    run(world)
    assert effects(world) == EFFECTS[profile]
    assert set(world.receiver.arrivals.values()) == {1}


@pytest.mark.parametrize(("profile", "code"), [("tif-header", "http.401"), ("fj-soap", "net.unauthorised")])
def test_a_refused_credential_suspends_the_target_and_uses_up_nothing(province: Open, profile: str, code: str) -> None:
    world = province(profile)
    fill(world.context, *town(1))
    world.receiver.desk.order({"kind": "401", "times": 1})
    report = push(world.context, TARGET)
    assert report.suspended_code == code
    assert [(line.attempts, line.maybe_sent) for line in world.batches()] == [(0, False)]
    assert effects(world) == {}


def test_no_personal_data_lies_open_in_the_database(province: Open) -> None:
    world = province("tif-header")
    fill(world.context, *town(1))
    world.receiver.refuse = lambda kind, record: "手机13800138000有误" if kind == "evaluation" else None
    run(world, 1)
    assert len(list_batches(world.context, TARGET)) == 1
    with world.context.store.read() as transaction:
        cells = transaction.exec_driver_sql("SELECT request, answer, reference FROM target_call").all()
    assert cells
    for cell in (value for row in cells for value in row if value is not None):
        raw = cell.encode() if isinstance(cell, str) else bytes(cell)
        assert b"13800138000" not in raw
        assert "张示例".encode() not in raw
