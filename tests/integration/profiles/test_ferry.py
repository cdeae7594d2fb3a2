"""Across a one-way gate: the gateway sees two folders, a carrier the platform; batches arrive once all the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from gateway.crypto.digest import sm3_hex
from gateway.errors import Misconfigured
from gateway.reports.stuck import stuck
from gateway.stages.context import Context
from gateway.stages.delivery_acts import list_batches, ping_target
from gateway.stages.push import push
from sandbox.platform.running import RunningPlatform
from tests.doubles import forked_platform
from tests.integration.delivery import world
from tests.integration.delivery.world import evaluation, fill, service
from tests.integration.profiles.conftest import Clock

TARGET = "national"


class Carrier:
    """What carries files over the gate and calls the platform on its far side; it takes only what has a flag."""

    def __init__(self, out: Path, back: Path, platform: RunningPlatform) -> None:
        self.out, self.back, self._platform = out, back, platform
        self.carried: list[str] = []

    def carry(self, *, lose: Callable[[str], bool] = lambda _name: False) -> None:
        for flag in sorted(self.out.glob("*.hcpb.sm3")):
            file = flag.with_suffix("")
            body = file.read_bytes()
            assert flag.read_text().strip() == sm3_hex(body)
            flag.unlink()
            file.unlink()
            batch_id = file.stem
            self.carried.append(batch_id)
            answer = self._post(batch_id, body)
            if not lose(batch_id):
                kind = "receipt" if answer.status_code == 200 else "refusal"
                self.bring(f"{batch_id}.{kind}.json", answer.content)

    def carry_voids(self) -> list[int]:
        """Their answers: whether the numbers are closed."""
        answers = []
        for flag in sorted(self.out.glob("*.void.json.sm3")):
            notice = flag.with_suffix("")
            assert flag.read_text().strip() == sm3_hex(notice.read_bytes())
            headers = self._signed(notice.name[:8]) | {"Content-Type": "application/json"}
            url = f"{self._platform.url}/api/v1/voids"
            answers.append(requests.post(url, data=notice.read_bytes(), headers=headers, timeout=30).status_code)
            flag.unlink()
            notice.unlink()
        return answers

    def bring(self, name: str, content: bytes) -> None:
        (self.back / name).write_bytes(content)
        (self.back / f"{name}.sm3").write_text(sm3_hex(content))

    def _signed(self, word: str) -> dict[str, str]:
        time = str(int(datetime.now(UTC).timestamp()))
        nonce = f"{word}-{len(self.carried)}"
        signature = hashlib.sha256((time + self._platform.token + nonce + time).encode()).hexdigest()
        headers = {"x-tif-paasid": self._platform.paasid, "x-tif-timestamp": time, "x-tif-nonce": nonce}
        return headers | {"x-tif-signature": signature}

    def _post(self, batch_id: str, body: bytes) -> requests.Response:
        headers = self._signed(batch_id[:8]) | {"X-Batch-Id": batch_id, "X-Batch-Digest": sm3_hex(body)}
        headers["Content-Type"] = "application/octet-stream"
        return requests.post(f"{self._platform.url}/api/v1/batches", data=body, headers=headers, timeout=30)


@pytest.fixture
def ferried(tmp_path: Path, store_url: str, clock: Clock) -> Iterator[tuple[Context, Carrier, RunningPlatform]]:
    home = tmp_path / "home"
    out, back = tmp_path / "out", tmp_path / "in"
    out.mkdir()
    back.mkdir()
    world.prepare(home, store_url, batch_records=10)
    file = home / "targets" / "national.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("profile: native", "profile: ferry"), encoding="utf-8")
    with forked_platform(tmp_path / "platform", senders=(world.SENDER,), sender_keys=home / "sender") as platform:
        world.introduce(home, platform)
        (home / "connection.json").write_text(json.dumps({"extra": {"out": str(out), "in": str(back)}}))
        context = world.open_world(home, store_url, clock)
        yield context, Carrier(out, back, platform), platform
        context.store.close()


def states(context: Context) -> list[str]:
    return [str(line.state) for line in reversed(list_batches(context))]


def test_batches_and_receipts_go_as_files_and_the_folders_are_left_clean(
    ferried: tuple[Context, Carrier, RunningPlatform], clock: Clock
) -> None:
    context, carrier, platform = ferried
    ping_target(context, TARGET)
    fill(context, *([service(number), evaluation(number)] for number in range(5)))
    push(context, TARGET)
    assert states(context) == ["AWAITING_RECEIPT"]
    push(context, TARGET)
    assert states(context) == ["AWAITING_RECEIPT"]
    carrier.carry()
    clock.shift += timedelta(minutes=2)
    push(context, TARGET)
    assert states(context) == ["ACKNOWLEDGED"]
    oracle = platform.admin.oracle()
    assert (oracle["effects"], oracle["doubled"]) == ({"service": 5, "evaluation": 5, "rectification": 0}, 0)
    assert [path.name for path in carrier.back.iterdir()] == ["done"]
    assert {path.name for path in carrier.out.iterdir()} <= {".laid-out", "done"}


def test_a_carrier_that_lost_the_receipt_is_given_the_same_bytes_again(
    ferried: tuple[Context, Carrier, RunningPlatform], clock: Clock
) -> None:
    context, carrier, platform = ferried
    fill(context, [service(0)])
    push(context, TARGET)
    carrier.carry(lose=lambda _name: True)
    clock.shift += timedelta(hours=2)
    push(context, TARGET)
    assert not list(carrier.out.glob("*.hcpb"))
    clock.shift += timedelta(hours=23)
    for _ in range(4):
        clock.shift += timedelta(minutes=21)
        push(context, TARGET)
    carrier.carry()
    for _ in range(2):
        clock.shift += timedelta(minutes=21)
        push(context, TARGET)
    assert states(context) == ["ACKNOWLEDGED"]
    assert carrier.carried[0] == carrier.carried[1]
    assert platform.admin.oracle()["effects"]["service"] == 1


def test_a_refusal_that_is_carried_back_is_judged_as_one_by_wire(
    ferried: tuple[Context, Carrier, RunningPlatform], clock: Clock
) -> None:
    context, carrier, _ = ferried
    fill(context, [service(0)])
    push(context, TARGET)
    (batch,) = list_batches(context)
    carrier.bring(f"{batch.batch_id}.refusal.json", b'{"code":"batch.malformed","message":"x"}')
    for _ in range(4):
        clock.shift += timedelta(minutes=2)
        push(context, TARGET)
    (line,) = list_batches(context)
    assert (line.state, line.failure_code, line.maybe_sent) == ("REJECTED", "batch.malformed", False)
    assert not list(carrier.out.glob("*.hcpb"))


def test_the_number_of_a_batch_that_will_not_come_is_declared_void_by_a_file(
    ferried: tuple[Context, Carrier, RunningPlatform], clock: Clock
) -> None:
    context, carrier, platform = ferried
    fill(context, [service(0)], [service(1)])
    platform.admin.fault("refuse", code="batch.malformed", call="batches", times=1)
    push(context, TARGET)
    for _ in range(6):
        carrier.carry()
        clock.shift += timedelta(minutes=2)
        push(context, TARGET)
    assert states(context) == ["REJECTED", "ACKNOWLEDGED", "ACKNOWLEDGED"]  # and its halves
    assert len(list(carrier.out.glob("*.void.json"))) == 1
    assert carrier.carry_voids() == [200]
    push(context, TARGET)
    assert [(notice["seq"], notice["reason"]) for notice in platform.admin.voids()] == [(1, "batch.malformed")]
    assert not list(carrier.out.glob("*.void.json"))
    assert not [line for line in stuck(context.store, clock() + timedelta(hours=2)) if line.what == "void"]


@pytest.mark.parametrize("tear", ["no flag", "half"])
def test_half_a_receipt_counts_for_nothing(
    ferried: tuple[Context, Carrier, RunningPlatform], clock: Clock, tear: str
) -> None:
    context, carrier, _ = ferried
    fill(context, [service(0)])
    push(context, TARGET)
    carrier.carry()
    (receipt,) = carrier.back.glob("*.receipt.json")
    whole, flag = receipt.read_bytes(), carrier.back / f"{receipt.name}.sm3"
    if tear == "half":
        receipt.write_bytes(whole[:-9])
    else:
        flag.unlink()
    clock.shift += timedelta(minutes=2)
    push(context, TARGET)
    assert states(context) == ["AWAITING_RECEIPT"]
    carrier.bring(receipt.name, whole)
    clock.shift += timedelta(minutes=10)
    push(context, TARGET)
    assert states(context) == ["ACKNOWLEDGED"]


def test_a_forged_receipt_is_kept_and_suspends_the_target(
    ferried: tuple[Context, Carrier, RunningPlatform], clock: Clock
) -> None:
    context, carrier, _ = ferried
    fill(context, [service(0)])
    push(context, TARGET)
    carrier.carry()
    (receipt,) = carrier.back.glob("*.receipt.json")
    forged = receipt.read_bytes().replace(b'"accepted":1', b'"accepted":0').replace(b'"rejected":0', b'"rejected":1')
    carrier.bring(receipt.name, forged)
    clock.shift += timedelta(minutes=2)
    assert push(context, TARGET).suspended_code == "receipt.signature"
    assert states(context) == ["SUSPENDED"]


def test_a_folder_that_is_not_there_is_the_operators_to_mend(
    ferried: tuple[Context, Carrier, RunningPlatform],
) -> None:
    context, carrier, _ = ferried
    carrier.out.rmdir()
    with pytest.raises(Misconfigured, match=r"ferry\.folder_unusable"):
        push(context, TARGET)
