"""A province's receiver as a target: what its ping and its check tell, and a setting that was forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import Misconfigured
from gateway.stages.delivery_acts import ping_target, resume_target
from gateway.stages.push import push
from gateway.stages.target_check import check_target
from tests.integration.delivery.world import fill
from tests.integration.profiles.conftest import Open
from tests.integration.profiles.test_profile_runs import run, town
from tests.integration.profiles.world import TARGET


@pytest.mark.parametrize("profile", ["bj-form", "sd-txn"])
def test_a_key_that_is_not_set_suspends_the_target_and_uses_up_nothing(province: Open, profile: str) -> None:
    world = province(profile)
    fill(world.context, *town(1))
    named = world.context.settings.connections["province"]
    unset = {"province": named.model_copy(update={"extra": {}})}
    keyless = replace(world.context, settings=world.context.settings.model_copy(update={"connections": unset}))
    assert push(keyless, TARGET).suspended_code == "profile.setting_missing"
    first = world.batches()[0]
    assert (first.state, first.attempts, first.maybe_sent) == ("SUSPENDED", 0, False)
    resume_target(world.context, TARGET, "王工", "公钥已填")
    run(world, 2)
    assert set(world.states()) == {"ACKNOWLEDGED"}


@pytest.mark.parametrize("profile", ["fj-soap", "tif-header"])
def test_ping_tries_address_and_token(province: Open, profile: str) -> None:
    ping_target(province(profile).context, TARGET)


def test_ping_tells_that_the_token_is_wrong(province: Open) -> None:
    world = province("tif-header")
    world.receiver.token = "another"
    with pytest.raises(Misconfigured, match=r"net\.unauthorised"):
        ping_target(world.context, TARGET)


@pytest.mark.parametrize(
    ("profile", "steps"),
    [("bj-form", ["standing"]), ("fj-soap", ["standing", "ping"]), ("tif-header", ["standing", "ping"])],
)
def test_a_check_asks_what_the_interface_can_answer(province: Open, profile: str, steps: list[str]) -> None:
    found = check_target(province(profile).context, TARGET)
    assert [(one.step, one.ok) for one in found] == [(step, True) for step in steps]
