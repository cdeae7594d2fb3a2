"""A run of the delivery bench in a process of its own: ``python -m bench.delivery_run < job.json``, result as JSON."""

from __future__ import annotations

import gc
import hashlib
import json
import multiprocessing
import random
import re
import sys
import time
import uuid
from pathlib import Path

import requests
from sqlalchemy import text

from bench.meter import forget_peak, memory_held, peak_memory
from gateway import crash
from gateway.mapping.outcome import CanonicalRecord
from gateway.stages.context import Context
from gateway.stages.push import push
from gateway.store import bodies
from tests.integration.delivery.world import evaluation, fill, open_world, service

TARGET = "national"
PIECE = 500  # cases that are put into the ledger at once
SMALL = 20  # records of the batch that warms a sender up
LONGEST_TEXT = 500  # characters that an evaluation may have
HAN = [chr(code) for code in range(0x4E00, 0x9FA5)]
KILLED = -9
MOST_SECONDS = 180.0
LEASE = 60  # seconds, as in earnest


def main() -> None:
    job = json.load(sys.stdin)
    what = {"rates": rates, "memory": memory, "recovery": recovery}[job.pop("what")]
    print(json.dumps(what(Path(job.pop("home")), job.pop("url"), **job)))


def rates(home: Path, url: str, batches: int, records: int) -> dict[str, float]:
    """Seconds to deliver ``batches`` of ``records`` each, and to POST the same bytes again to a platform that has
    forgotten them."""
    context = open_world(home, url, retry_base_seconds=60)
    ledger(context, batches * records)
    began = time.perf_counter()
    report = push(context, TARGET)
    pushed = time.perf_counter() - began
    if (report.acknowledged, report.records_sealed) != (batches, batches * records):
        raise SystemExit(f"not what was to be measured: {report}")
    return {"push": pushed, "bare": bare(context)}


def bare(context: Context) -> float:
    """Seconds that it takes to send all sealed bytes once more, one after the other over one connection."""
    connection = context.settings.connection(TARGET)
    with context.store.read() as transaction:
        found = transaction.execute(
            text(
                "SELECT b.batch_id, b.body_digest, y.body FROM batch b JOIN batch_body y USING (batch_id) ORDER BY seq"
            )
        ).all()
    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{connection.url}/sandbox/reset", timeout=60).raise_for_status()
        began = time.perf_counter()
        for batch_id, digest, body in found:
            headers = signed(connection.login, connection.password.get_secret_value())
            headers |= {"X-Batch-Id": batch_id, "X-Batch-Digest": digest, "Content-Type": "application/octet-stream"}
            answer = session.post(f"{connection.url}/api/v1/batches", data=bytes(body), headers=headers, timeout=60)
            if answer.json()["status"] != "accepted":
                raise SystemExit(answer.text)
        return time.perf_counter() - began


def signed(login: str, token: str) -> dict[str, str]:
    """The headers that the platform asks for."""
    moment, nonce = str(int(time.time())), uuid.uuid4().hex
    signature = hashlib.sha256((moment + token + nonce + moment).encode()).hexdigest()
    return {
        "x-tif-paasid": login,
        "x-tif-timestamp": moment,
        "x-tif-nonce": nonce,
        "x-tif-signature": signature,
    }


def memory(home: Path, url: str, records: int, size: int) -> dict[str, float]:
    """Bytes of the process at rest and at its peak while it pushes one batch of the longest records; ``size``: what
    the target takes. At rest it has delivered a small batch: all is loaded, and its connections are open."""
    wide(home, size)
    _filled(home, url, SMALL, 0)
    context = open_world(home, url, send_seconds=600)
    push(context, TARGET)
    _filled(home, url, records, SMALL, wide=True)
    gc.collect()
    idle = memory_held()
    forget_peak()
    report = push(context, TARGET)
    peak = peak_memory()
    with context.store.read() as transaction:
        found = transaction.execute(text("SELECT batch_id FROM batch ORDER BY seq DESC LIMIT 1")).scalar_one()
        body = bodies.read(transaction, found)
    content = int(re.search(rb'"uncompressedSize":(\d+)', body[:4096])[1])  # type: ignore[index]
    if (report.acknowledged, report.records_sealed) != (1, records):
        raise SystemExit(f"not what was to be measured: {report}, {content}")
    return {"idle": idle, "peak": peak, "content": content, "sealed": len(body)}


def _filled(home: Path, url: str, *records: int, wide: bool = False) -> None:
    """By another process: what filling takes is not the push's."""
    process = multiprocessing.get_context("spawn").Process(target=_fill, args=(home, url, records, wide))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("the ledger was not filled")


def _fill(home: Path, url: str, records: tuple[int, ...], wide: bool) -> None:
    context = open_world(home, url)
    ledger(context, *records, wide=wide)
    context.store.close()


def wide(home: Path, size: int) -> None:
    """The target takes batches of that many bytes."""
    file = home / "targets" / "national.yaml"
    changed = re.sub(r"batch_bytes: \d+", f"batch_bytes: {size}", file.read_text(encoding="utf-8"))
    file.write_text(changed, encoding="utf-8")


def recovery(home: Path, url: str, records: int) -> dict[str, float]:
    """Seconds from the death of a sender to the last receipt, while another one looks every second."""
    context = open_world(home, url, lease_seconds=LEASE)
    ledger(context, records)
    context.store.close()
    process = multiprocessing.get_context("fork").Process(target=_dies, args=(home, url))
    process.start()
    process.join()
    if process.exitcode != KILLED:
        raise SystemExit("the sender was to die")
    began, context = time.monotonic(), open_world(home, url, lease_seconds=LEASE)
    while time.monotonic() - began < MOST_SECONDS:
        push(context, TARGET)
        with context.store.read() as transaction:
            if not transaction.execute(text("SELECT COUNT(*) FROM batch WHERE state <> 'ACKNOWLEDGED'")).scalar():
                return {"seconds": time.monotonic() - began, "lease": LEASE}
        time.sleep(1)
    raise SystemExit("never receipted")


def _dies(home: Path, url: str) -> None:
    crash.arm("s3:1")
    push(open_world(home, url, lease_seconds=LEASE), TARGET)


def ledger(context: Context, records: int, begin: int = 0, *, wide: bool = False) -> None:
    """Cases numbered from ``begin``, each with its evaluation; ``wide``: with the longest text that one may have, drawn
    at random."""
    end, luck = begin + (records + 1) // 2, random.Random(7)
    for first in range(begin, end, PIECE):
        numbers = range(first, min(first + PIECE, end))
        fill(context, *([service(n), _rated(n, luck if wide else None)] for n in numbers))
    if records % 2:
        _drop_last(context)
    gc.collect()


def _rated(number: int, luck: random.Random | None) -> CanonicalRecord:
    plain = evaluation(number)
    if luck is None:
        return plain
    return plain._replace(personal={"writing_evaluation": "".join(luck.choices(HAN, k=LONGEST_TEXT))})


def _drop_last(context: Context) -> None:
    with context.store.begin() as transaction:
        transaction.execute(
            text("DELETE FROM ledger_record WHERE position = (SELECT MAX(position) FROM ledger_record)")
        )


if __name__ == "__main__":
    main()
