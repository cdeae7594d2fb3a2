"""Every sealed vector of the format, judged at its own moment over HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from sandbox.platform.running import RunningPlatform
from tests.integration.sandbox_platform.conftest import caller_of
from tests.integration.sandbox_platform.sealing import VECTORS, Batch, Caller

SENT_BY_PLATFORM = {"receiptId", "signature", "platformKeyId"}


def vector(name: str) -> tuple[dict[str, Any], Batch]:
    about = json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8"))
    body = (VECTORS / f"{name}.bin").read_bytes()
    header = body[9 : 9 + int.from_bytes(body[5:9], "big")]
    batch_id = header.partition(b'"batchId":"')[2][:32].decode()
    return about, Batch(body, batch_id, about.get("headerDigest", ""), about.get("header", {}))


@pytest.fixture
def in_its_time(trusting_platform: RunningPlatform) -> Iterator[Caller]:
    moment = vector("gm-gcm-1-1")[0]["now"]
    trusting_platform.admin.clock(now=moment)
    calls = caller_of(trusting_platform)
    calls.shift = datetime.fromisoformat(moment).timestamp() - time.time()
    yield calls
    calls.session.close()


@pytest.mark.parametrize("suite", ["gm-gcm-1", "gm-cbc-1", "intl-1"])
def test_good_vectors_get_their_receipts(suite: str, in_its_time: Caller) -> None:
    for name in (f"{suite}-20", f"{suite}-1"):
        about, batch = vector(name)
        answer = in_its_time.post(batch)
        assert answer.status_code == 200, answer.text
        receipt = answer.json()
        same = receipt.keys() - SENT_BY_PLATFORM
        assert receipt.keys() == about["receipt"].keys()
        assert {name: receipt[name] for name in same} == {name: about["receipt"][name] for name in same}


def test_bad_vectors_are_refused_with_their_code(in_its_time: Caller) -> None:
    refused = {}
    for path in VECTORS.glob("neg-*.json"):
        about, batch = vector(path.stem)
        refused[path.stem] = (about["expected"], in_its_time.post(batch).json()["code"])
        assert in_its_time.get(f"batches/{batch.batch_id}").status_code == 404
    assert len(refused) == 6
    assert all(expected == code for expected, code in refused.values()), refused
