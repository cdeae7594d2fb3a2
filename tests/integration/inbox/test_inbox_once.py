"""Nothing twice: idempotency keys and nonces hold within a process, after a restart and between processes."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from tests.integration.inbox.world import APP, SOURCE, Serving, World, batch, record

TABLES = ("raw_page", "inbox_request", "ledger_record")


def test_the_same_again_gets_the_same_answer_and_lands_once(world: World) -> None:
    body = batch(record(1), record(2, mobile=None, projectNo="坏"))
    with world.running() as serving:
        first = serving.post(body, "batch-0001")
        again = serving.post(body, "batch-0001")
        held = {table: serving.count(table) for table in TABLES}
    with world.running() as serving:
        later = serving.post(body, "batch-0001")
        assert {table: serving.count(table) for table in TABLES} == held == dict(zip(TABLES, (1, 1, 2), strict=True))
    assert (first.content, "idempotency-replayed" in first.headers) == (again.content, False)
    assert later.content == first.content
    assert again.headers["idempotency-replayed"] == later.headers["idempotency-replayed"] == "true"


def test_a_key_is_bound_to_its_content(serving: Serving) -> None:
    serving.post(batch(record(1)), "batch-0001")
    for body, what in ((batch(record(2)), "records"), (batch(record(1)), "record")):
        refused = serving.post(body, "batch-0001", what)
        assert (refused.status_code, refused.json()["code"]) == (409, "inbox.key_reused")
    assert serving.count("raw_page") == 1


def test_keys_of_different_senders_are_different_keys(serving: Serving) -> None:
    assert serving.post(batch(record(1)), "batch-0001").status_code == 200
    assert serving.post(batch(record(2)), "batch-0001", by=serving.world.pusher(APP)).json()["stored"] == 1


def test_a_captured_request_is_refused_also_after_a_restart(world: World) -> None:
    path, body = f"/inbox/v1/{SOURCE}/records", batch(record(1))
    captured = world.pusher().headers("POST", path, body, "batch-0001")
    with world.running() as serving:
        assert serving.client.post(path, content=body, headers=captured).status_code == 200
        refused = [serving.client.post(path, content=body, headers=captured)]
    with world.running() as serving:
        refused.append(serving.client.post(path, content=body, headers=captured))
        world.shift = timedelta(minutes=6)
        late = serving.client.post(path, content=body, headers=captured)
        assert serving.count("raw_page") == 1
    assert [(one.status_code, one.json()["code"]) for one in refused] == [(401, "inbox.replayed")] * 2
    assert (late.status_code, late.json()["code"]) == (401, "inbox.stale")


def test_nonces_are_forgotten_only_when_their_requests_are_too_old(world: World) -> None:
    with world.running() as serving:
        serving.post(batch(record(1)), "batch-0001")
    world.shift = timedelta(hours=1, minutes=4)
    with world.running() as serving:
        assert serving.client.get("/health/ready").status_code == 200
        assert serving.post(batch(record(2)), "batch-0002").json()["code"] == "inbox.stale"
        assert serving.count("inbox_nonce") == 1
    world.shift = timedelta(seconds=-299)
    with world.running() as serving:
        assert serving.post(batch(record(2)), "batch-0002").status_code == 200
        assert serving.count("inbox_nonce") == 2


def test_two_services_on_one_database_take_a_request_once(world: World) -> None:
    answers: list[Any] = []
    with world.running() as one, world.running() as other:
        for number in range(10):
            body, key, barrier = batch(record(number)), f"batch-{number:04}", threading.Barrier(2)

            def push(serving: Serving, body: bytes = body, key: str = key, both: Any = barrier) -> None:
                both.wait()
                answers.append(serving.post(body, key))

            threads = [threading.Thread(target=push, args=(serving,)) for serving in (one, other)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert {answer.status_code for answer in answers} <= {200, 202}
        assert {table: one.count(table) for table in TABLES} == dict(zip(TABLES, (10, 10, 20), strict=True))
