"""``gw serve`` as a process of its own, and senders that push until each batch is acknowledged."""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import requests

from gateway.cli.app import main
from tests.forkserver import SERVER
from tests.integration.inbox.world import World, batch, record

START_SECONDS = 120
PATIENCE_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def forked(world: World, url: str) -> Any:
    """``gw serve`` in a fork of a server that has imported it: a fresh interpreter would spend its life importing."""
    process = SERVER.Process(target=_serve, args=(world.environment(), url.rpartition(":")[2]))
    process.start()
    until_ready(url)
    return process


def _serve(environment: dict[str, str], port: str) -> None:
    for name in [name for name in os.environ if name.startswith("GW_")]:
        del os.environ[name]
    os.environ |= environment
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)
    main(["serve", "--port", port])


def until_ready(url: str) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            if requests.get(f"{url}/health/ready", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.02)
    raise AssertionError("the service did not start")


@dataclass
class Crowd:
    """Senders in threads. ``acknowledged``: by idempotency key, the answer that it got first and the records in it."""

    world: World
    url: str
    acknowledged: dict[str, tuple[dict[str, Any], list[int]]] = field(default_factory=dict)
    attempts: int = 0
    again: int = 0  # acknowledged keys that were pushed once more and gave the same
    ended: threading.Event = field(default_factory=threading.Event)
    failures: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    process: Any = None  # the service's

    def run(self, senders: int) -> None:
        self.threads = [threading.Thread(target=self._push_all, args=(number,)) for number in range(senders)]
        for thread in self.threads:
            thread.start()

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        self.process.kill()
        self.process.join()

    def end(self) -> None:
        """Let them finish what they are at."""
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def _push_all(self, sender: int) -> None:
        luck = random.Random(sender)
        pusher = self.world.pusher(url=self.url)
        turn = 0
        while not self.ended.is_set():
            first = sender * 1_000_000 + turn * 10
            numbers = list(range(first, first + luck.randint(1, 5)))
            body, key = batch(*(record(number) for number in numbers)), f"push-{first:08}"
            said = self._until_acknowledged(pusher, body, key)
            if said is None:
                return
            self.acknowledged[key] = (said, numbers)
            if turn % 3 == 0:
                repeat = self._until_acknowledged(pusher, body, key)
                if repeat is None:
                    return
                if repeat["receipt"] != said["receipt"]:
                    self.failures.append(f"{key}: {said} then {repeat}")
                self.again += 1
            turn += 1

    def _until_acknowledged(self, pusher: Any, body: bytes, key: str) -> dict[str, Any] | None:
        """Its first 2xx; none when the service stays away."""
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            self.attempts += 1
            try:
                answer = pusher.post(body, key)
            except requests.RequestException:
                if self.ended.is_set():
                    return None
                time.sleep(0.02)
                continue
            if answer.ok:
                said: dict[str, Any] = answer.json()
                return said
            if answer.status_code not in (429, 503):
                self.failures.append(f"{key}: {answer.status_code} {answer.text}")
                return None
        self.failures.append(f"{key}: the service stayed away")
        return None
