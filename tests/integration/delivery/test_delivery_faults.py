"""What goes wrong between us and the platform, and that it ends well: one effect each, the cause named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from gateway.crypto.keys import KeyFolder
from gateway.domain.batch_act import BatchAct
from gateway.errors import Rejected
from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches, resume_target, retry_batch, show_batch, show_target
from gateway.stages.push import push
from gateway.stages.reconcile import reconcile
from gateway.store import quarantine
from gateway.store.batch_records import records_of
from gateway.store.tables import batch_body, batch_record
from sandbox.platform.running import RunningPlatform
from tests.integration.delivery import world
from tests.integration.delivery.acting import pass_time
from tests.integration.delivery.conftest import Clock
from tests.integration.delivery.test_delivery_push import states
from tests.integration.delivery.world import evaluation, fill, service


def one_effect_each(platform: RunningPlatform, records: int) -> bool:
    oracle = platform.admin.oracle()
    same_bytes = all(len(batch["digests"]) == 1 for batch in platform.admin.batches())
    return oracle["effects"]["service"] == records and oracle["doubled"] == 0 and same_bytes


def test_a_platform_that_is_down_opens_the_breaker_and_costs_nothing_else(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    platform.stop()
    fill(context, *([service(number)] for number in range(70)))
    report = push(context, "national")
    assert report.breaker_open
    assert report.sent == 5
    assert report.suspended_code is None
    attempts = sum(line.attempts for line in list_batches(context))
    assert push(context, "national").sent == 0
    assert sum(line.attempts for line in list_batches(context)) == attempts
    assert not any(line.maybe_sent for line in list_batches(context))

    platform.start()
    clock.shift += timedelta(minutes=2)
    push(context, "national")
    assert set(states(context)) == {"ACKNOWLEDGED"}
    assert one_effect_each(platform, 70)


def test_retry_after_is_the_floor_of_the_wait(context: Context, platform: RunningPlatform, clock: Clock) -> None:
    fill(context, *([service(number)] for number in range(30)))
    platform.admin.fault("retry_after", seconds=120, call="batches")
    report = push(context, "national")
    assert (report.sent, report.retrying) == (1, 1)
    line = list_batches(context)[-1]
    assert line.failure_class == "THROTTLED"
    assert line.next_attempt_at is not None
    assert line.next_attempt_at > clock() + timedelta(seconds=100)
    push(context, "national")
    assert states(context) == ["RETRY_WAIT", "ACKNOWLEDGED", "ACKNOWLEDGED"]
    clock.shift += timedelta(seconds=121)
    assert push(context, "national").acknowledged == 1


@pytest.mark.parametrize("fault", ["lose_reply", "cut_reply"])
def test_a_lost_reply_is_asked_for_before_anything_is_sent_again(
    context: Context, platform: RunningPlatform, fault: str
) -> None:
    fill(context, [service(1), evaluation(1)])
    platform.admin.fault(fault)
    report = push(context, "national")
    assert report.acknowledged == 1
    (line,) = list_batches(context)
    path = [event.to_state for event in show_batch(context, line.batch_id).events]
    assert path == ["DRAFT", "SEALED", "QUEUED", "SENDING", "UNCERTAIN", "ACKNOWLEDGED"]
    assert one_effect_each(platform, 1)
    assert platform.admin.batches()[0]["requests"] == 1


def test_what_never_arrived_is_sent_again_after_the_platform_said_so(
    context: Context, platform: RunningPlatform
) -> None:
    fill(context, [service(1)])
    platform.admin.fault("down", call="batches")
    push(context, "national")
    push(context, "national")
    (line,) = list_batches(context)
    path = [event.to_state for event in show_batch(context, line.batch_id).events]
    assert path[3:] == ["SENDING", "UNCERTAIN", "QUEUED", "SENDING", "ACKNOWLEDGED"]
    assert one_effect_each(platform, 1)


def test_refused_credentials_suspend_the_target_until_a_person_resumes_it(
    context: Context, platform: RunningPlatform
) -> None:
    fill(context, *([service(number)] for number in range(12)))
    platform.admin.fault("auth", code="auth.signature", call="batches")
    report = push(context, "national")
    assert report.suspended_code == "auth.signature"
    assert report.sent == 1
    assert push(context, "national").sent == 0
    (line,) = list_batches(context)
    assert (line.state, line.attempts, line.maybe_sent) == ("SUSPENDED", 0, False)
    with pytest.raises(Rejected, match=r"act\.reason_missing"):
        resume_target(context, "national", "王工", " ")

    assert resume_target(context, "national", "王工", "令牌已更换") == 1
    assert show_target(context, "national").suspended_code is None
    assert push(context, "national").acknowledged == 2
    with pytest.raises(Rejected, match=r"target\.not_suspended"):
        resume_target(context, "national", "王工", "again")


@pytest.mark.parametrize("fault", ["bad_receipt", "garbled"])
def test_a_receipt_that_is_none_delivers_nothing_and_is_kept(
    context: Context, platform: RunningPlatform, fault: str
) -> None:
    fill(context, [service(1)])
    platform.admin.fault(fault)
    report = push(context, "national")
    assert report.suspended_code is not None
    assert report.suspended_code.startswith("receipt.")
    (line,) = list_batches(context)
    detail = show_batch(context, line.batch_id)
    assert line.state == "SUSPENDED"
    assert [receipt.valid for receipt in detail.receipts] == [False]

    resume_target(context, "national", "王工", "已与平台核实")
    assert push(context, "national").acknowledged == 1
    assert one_effect_each(platform, 1)
    assert platform.admin.batches()[0]["requests"] == 1


def test_a_receipt_counts_once_the_key_that_signed_it_is_pinned(
    context: Context, platform: RunningPlatform, home: Path
) -> None:
    """The platform signs with a new key: the very bytes that were refused for it are the proof of delivery (I3)."""
    fill(context, [service(1)])
    known = set(platform.key_files)
    platform.admin.rotate("SGD_SM3_SM2")
    assert push(context, "national").suspended_code == "receipt.key_unknown"
    (new,) = set(platform.key_files) - known
    KeyFolder(home / "var" / "keys").pin(platform.key_files[new].read_bytes(), "sig")
    resume_target(context, "national", "王工", "平台公钥已核对并登记")
    assert push(context, "national").acknowledged == 1
    (line,) = list_batches(context)
    (receipt,) = show_batch(context, line.batch_id).receipts
    assert (receipt.valid, receipt.reason, receipt.seen) == (True, None, 2)
    assert receipt.receipt_id


def test_a_nonce_seen_before_proves_nothing(context: Context, platform: RunningPlatform) -> None:
    """Some proxy repeats the call, and we hear the second answer: the first copy may have arrived."""
    fill(context, [service(1)])
    platform.admin.fault("auth", code="auth.nonce", call="batches")
    assert push(context, "national").suspended_code == "auth.nonce"
    (line,) = list_batches(context)
    assert line.maybe_sent
    assert BatchAct.CANCEL not in line.acts
    resume_target(context, "national", "王工", "已核实")
    push(context, "national")
    assert states(context) == ["ACKNOWLEDGED"]


def test_a_receipt_that_follows_later(context: Context, platform: RunningPlatform, clock: Clock) -> None:
    fill(context, [service(1)])
    platform.admin.fault("processing", polls=1)
    push(context, "national")
    clock.shift += timedelta(seconds=1)
    push(context, "national")
    (line,) = list_batches(context)
    path = [event.to_state for event in show_batch(context, line.batch_id).events]
    assert path[3:] == ["SENDING", "AWAITING_RECEIPT", "ACKNOWLEDGED"]


def test_refused_records_go_to_quarantine_and_their_neighbours_arrive(
    context: Context, platform: RunningPlatform
) -> None:
    fill(context, *([service(number), evaluation(number)] for number in range(4)))
    platform.admin.fault("refuse_records", code="item.unknown", count=1, kind="service")
    report = push(context, "national")
    assert report.partially_accepted == 1
    line = list_batches(context)[-1]
    assert (line.accepted, line.duplicates, line.rejected) == (6, 0, 2)
    codes = {(item.kind, item.record_key): item.code for item in show_batch(context, line.batch_id).items}
    assert codes == {("service", "P000000#1"): "item.unknown", ("evaluation", "P000000#1#1"): "parent.missing"}
    with context.store.read() as transaction:
        kept = quarantine.kept(transaction, code="item.unknown")
    assert [(one.page_id, one.page_index) for one in kept] == [(world.PAGE, 0)]

    fill(context, [service(0, task_name="食品经营许可（更正）")], corrects=True)
    push(context, "national")
    oracle = platform.admin.oracle()
    assert oracle["effects"] == {"service": 4, "evaluation": 4, "rectification": 0}
    assert oracle["doubled"] == 0
    assert reconcile(context, "national").agreed


def test_a_child_without_its_parent_waits_for_it(context: Context, platform: RunningPlatform) -> None:
    fill(context, [evaluation(1)], [service(2), evaluation(2)])
    report = push(context, "national")
    assert (report.records_sealed, report.records_held) == (2, 1)
    fill(context, [service(1)])
    push(context, "national")
    assert platform.admin.oracle()["effects"] == {"service": 2, "evaluation": 2, "rectification": 0}


def test_a_parent_that_the_platform_does_not_see_is_no_reason_to_ask_again_at_once(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    """Its receipt says that it has the parent, its answers say that it hasn't: one batch an hour, not one a moment."""
    fill(context, [service(1), evaluation(1)])
    platform.admin.fault("refuse_records", code="parent.missing", kind="evaluation", times=None)
    assert push(context, "national").sealed == 1
    assert push(context, "national").sealed == 0
    pass_time(clock, platform, minutes=61)
    assert push(context, "national").sealed == 1
    platform.admin.clear()
    pass_time(clock, platform, minutes=61)
    push(context, "national")
    assert platform.admin.oracle()["effects"] == {"service": 1, "evaluation": 1, "rectification": 0}


def test_a_batch_refused_for_good_is_set_aside_record_by_record(context: Context, platform: RunningPlatform) -> None:
    fill(context, *([service(number)] for number in range(3)))
    platform.admin.fault("refuse", code="batch.malformed", times=None)
    assert push(context, "national").rejected == 5  # three, two and one, one and one
    with context.store.read() as transaction:
        assert len(quarantine.kept(transaction, code="batch.malformed")) == 3
    line = list_batches(context)[-1]
    with pytest.raises(Rejected, match=r"batch\.not_retriable"):
        retry_batch(context, line.batch_id, "王工", "再试")


def test_failed_after_the_window_and_retried_by_a_person(
    context: Context, platform: RunningPlatform, clock: Clock
) -> None:
    fill(context, [service(1)])
    platform.admin.fault("http_500", call="batches")
    push(context, "national")
    clock.shift += timedelta(days=4)
    platform.admin.clock(shift=clock.shift.total_seconds())
    platform.admin.fault("http_500", times=1, call="status")
    assert push(context, "national").sent == 0
    assert states(context) == ["FAILED"]
    (line,) = list_batches(context)
    retry_batch(context, line.batch_id, "王工", "平台已恢复")
    push(context, "national")
    assert states(context) == ["ACKNOWLEDGED"]
    actors = {event.event: event.actor for event in show_batch(context, line.batch_id).events}
    assert actors["retried"] == "王工"  # the platform said, late enough, that it never had it


def test_damaged_bytes_are_never_sent(context: Context, platform: RunningPlatform, clock: Clock) -> None:
    fill(context, [service(1)])
    platform.admin.fault("retry_after", seconds=1, call="batches")
    push(context, "national")
    with context.store.begin() as transaction:
        transaction.execute(update(batch_body).values(body=b"HCPB damaged"))
    clock.shift += timedelta(seconds=5)
    push(context, "national")
    assert states(context) == ["INTERRUPTED"]
    assert platform.admin.oracle()["effects"]["service"] == 0


def test_a_record_that_only_the_platform_holds_differently_disputes_its_batch(
    context: Context, platform: RunningPlatform
) -> None:
    fill(context, *([service(number)] for number in range(12)))
    push(context, "national")
    with context.store.begin() as transaction:
        first = list_batches(context)[-1].batch_id
        where = (records_of(first), batch_record.c.item == 3)
        transaction.execute(update(batch_record).where(*where).values(record_digest=b"\0" * 32))
    result = reconcile(context, "national")
    assert not result.agreed
    assert (result.reconciled, result.disputed) == (1, 1)
    assert result.days[0].kinds[0].differences == {"P000003#1": "differing"}
    assert states(context) == ["DISPUTED", "RECONCILED"]
