"""What a target does not take is held, whole and with its reason, until a person lets it go or the target changes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from gateway.mapping.outcome import CanonicalRecord
from gateway.reports.stuck import stuck
from gateway.stages.context import Context
from gateway.stages.explain import explain
from gateway.stages.push import PushReport, push
from gateway.stages.replay import replay
from gateway.store.tables import delivery_hold
from sandbox.platform.running import RunningPlatform
from schemas.masters import Item
from tests.integration.delivery.world import TASK, evaluation, fill, service


def pushed(context: Context, accepts: str) -> PushReport:
    """One push to the target as it is when it takes ``accepts``, in YAML."""
    path = context.settings.targets_dir / "national.yaml"
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("accepts:")]
    path.write_text("\n".join([*kept, f"accepts: {accepts}", ""]), encoding="utf-8")
    return push(context, "national")


def says(number: int, text: str, channel: str = "4") -> list[CanonicalRecord]:
    said = evaluation(number, channel=channel)
    return [service(number), said._replace(personal={"writing_evaluation": text}, channel=channel)]


def held(context: Context) -> list[tuple[str, str]]:
    """Reason and record."""
    with context.store.read() as transaction:
        reasons = transaction.execute(select(delivery_hold.c.reason, delivery_hold.c.position)).all()
        keys: Any = transaction.exec_driver_sql("SELECT position, record_key FROM ledger_record").all()
    names = dict(tuple(row) for row in keys)
    return sorted((reason, names[position]) for reason, position in reasons)


def test_a_text_beyond_the_limit_is_held_whole_and_its_neighbours_go(
    context: Context, platform: RunningPlatform
) -> None:
    fill(context, says(1, "短"), says(2, "长" * 151), says(3, "\U0001f600" * 150), says(4, "长" * 200))
    report = pushed(context, "{text: 150}")
    assert (report.records_sealed, report.records_held) == (6, 2), "150 characters are 150, however many bytes"
    over = [("text.over_target_limit", "P000002#1#1"), ("text.over_target_limit", "P000004#1#1")]
    assert held(context) == over
    assert pushed(context, "{text: 150}").sealed == 0
    (line,) = stuck(context.store, context.clock())
    assert (line.code, line.count, line.ids) == ("text.over_target_limit", 2, ("P000002#1#1", "P000004#1#1"))
    assert "文字评价超过平台限长" in line.why["zh"]
    (version,) = [one for one in explain(context, "P000002#1#1").versions if one.kind == "evaluation"]
    assert [one.reason for one in version.holds] == ["text.over_target_limit"]

    assert replay(context, code="text.over_target_limit").sent_again == 2
    assert held(context) == over, "that was a rehearsal"
    replay(context, code="text.over_target_limit", dry_run=False, actor="li", reason="the platform takes 500 now")
    assert pushed(context, "{text: 150}").records_sealed == 2, "a person has decided, so nobody asks again"
    assert (held(context), platform.admin.oracle()["effects"]["evaluation"]) == ([], 4)


def test_a_channel_that_an_edition_has_no_code_for_is_held_not_changed(
    context: Context, platform: RunningPlatform
) -> None:
    """Trap pf-2019-range: the list ends at 5, and 6 and 7 must not become 5."""
    fill(context, *(says(number, "好", str(number)) for number in range(1, 8)))
    report = pushed(context, '{channels: ["1", "2", "3", "4", "5"]}')
    assert (report.records_sealed, report.records_held) == (12, 2)
    assert held(context) == [("channel.target_unlisted", f"P00000{number}#1#1") for number in (6, 7)]
    assert platform.admin.oracle()["effects"] == {"service": 7, "evaluation": 5, "rectification": 0}


def test_a_self_built_item_stays_here_with_all_that_belongs_to_it(context: Context, platform: RunningPlatform) -> None:
    item = Item("LOCAL", TASK, "自建事项", "20", "4", TASK[:18], "局", "360102000000", "1")
    masters = replace(context.masters, items={"360102": {TASK: item}})
    object.__setattr__(context, "masters", masters)
    other = service(2, task_code=TASK[:-1] + "1")
    fill(context, [service(1), evaluation(1)], [other, evaluation(2)])
    report = pushed(context, "{local_items: false}")
    assert (report.records_sealed, report.records_held) == (2, 2)
    assert held(context) == [("item.local_only", "P000001#1"), ("parent.missing", "P000001#1#1")]
    replay(context, code="item.local_only", dry_run=False, actor="li", reason="taken from today on")
    pushed(context, "{local_items: false}")
    pushed(context, "{local_items: false}")
    assert (held(context), platform.admin.oracle()["effects"]["evaluation"]) == ([], 2)


def test_nothing_is_sent_twice_where_a_batch_has_no_room(context: Context, platform: RunningPlatform) -> None:
    """What lies behind the end of a full batch is judged when its turn comes, and once."""
    fill(context, *(says(number, "长" * (140 + number)) for number in range(1, 21)))
    path = context.settings.targets_dir / "national.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\nbatch_bytes: 72000\n", encoding="utf-8")
    pushed(context, "{text: 150}")
    assert len(held(context)) == 10
    replay(context, code="text.over_target_limit", dry_run=False, actor="li", reason="agreed")
    pushed(context, "{text: 150}")
    oracle = platform.admin.oracle()
    assert (oracle["effects"]["evaluation"], oracle["doubled"], held(context)) == (20, 0, [])


@pytest.mark.parametrize("accepts", ["{text: 0}", "{channels: []}", "{texts: 5}", "150"])
def test_what_a_target_takes_is_declared_or_refused(context: Context, accepts: str) -> None:
    from gateway.errors import Misconfigured

    with pytest.raises(Misconfigured) as refused:
        pushed(context, accepts)
    assert refused.value.code == "target.invalid"
    assert json.dumps(refused.value.params)
