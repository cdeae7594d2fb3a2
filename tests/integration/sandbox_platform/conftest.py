"""A platform process with the vectors' keys, and a sender that knows it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.platform.running import RunningPlatform, running_platform
from tests.forkserver import forked
from tests.integration.sandbox_platform.records import REGION, TASK
from tests.integration.sandbox_platform.sealing import SENDER, VECTORS, Caller, Sealer, pem_spki

SM2_SPKI = pem_spki(VECTORS / "TEST-KEY-platform-sm2-enc.pub.pem")
RSA_SPKI = pem_spki(VECTORS / "TEST-KEY-platform-rsa3072-enc.pub.pem")
RECIPIENT_KEYS = {"GM-GCM-1": SM2_SPKI, "GM-CBC-1": SM2_SPKI, "INTL-1": RSA_SPKI}


def prepare(folder: Path) -> Path:
    """A platform's folder that holds the vectors' private keys, and beside it the sender's public ones."""
    keys = folder / "platform" / "keys"
    keys.mkdir(parents=True)
    for path in VECTORS.glob("TEST-KEY-platform-*-enc.key.pem"):
        shutil.copy(path, keys)
    sender = folder / "sender"
    sender.mkdir()
    for path in VECTORS.glob("TEST-KEY-sender-*.pub.pem"):
        shutil.copy(path, sender)
    (folder / "regions.csv").write_text(f"code,name\n{REGION},东湖区\n", encoding="utf-8")
    (folder / "items.csv").write_text(f"source_code,task_code\nx,{TASK}\n", encoding="utf-8")
    return folder


@pytest.fixture
def platform(one_process: RunningPlatform) -> RunningPlatform:
    """A platform as if newly installed: the process is the same as long as nobody kills it."""
    if not one_process.runs:
        one_process.start()
    one_process.admin.reset()
    return one_process


@pytest.fixture(scope="package")
def one_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    folder = prepare(tmp_path_factory.mktemp("platform"))
    with running_platform(
        folder / "platform",
        senders=(SENDER,),
        sender_keys=folder / "sender",
        regions=folder / "regions.csv",
        items=folder / "items.csv",
        launch=forked,
    ) as running:
        yield running


@pytest.fixture(scope="module")
def trusting_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    folder = prepare(tmp_path_factory.mktemp("trusting"))
    with running_platform(
        folder / "platform", senders=(SENDER,), sender_keys=folder / "sender", launch=forked
    ) as running:
        yield running


@pytest.fixture
def trusting_platform(trusting_process: RunningPlatform) -> RunningPlatform:
    """Without lists of regions and items, as if newly installed."""
    trusting_process.admin.reset()
    return trusting_process


@pytest.fixture(scope="package")
def shared_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """For tests that use records, streams and batches of their own."""
    folder = prepare(tmp_path_factory.mktemp("shared"))
    with running_platform(
        folder / "platform",
        senders=(SENDER,),
        sender_keys=folder / "sender",
        regions=folder / "regions.csv",
        items=folder / "items.csv",
        arguments=("--record-limit", "50", "--body-limit", "2000000", "--token", "T"),
        launch=forked,
    ) as running:
        yield running


def caller_of(running: RunningPlatform) -> Caller:
    return Caller(running.url, running.paasid, running.token)


@pytest.fixture
def caller(platform: RunningPlatform) -> Iterator[Caller]:
    calls = caller_of(platform)
    yield calls
    calls.session.close()


@pytest.fixture
def shared_caller(shared_platform: RunningPlatform) -> Iterator[Caller]:
    calls = caller_of(shared_platform)
    yield calls
    calls.session.close()


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(RECIPIENT_KEYS)
