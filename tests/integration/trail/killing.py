"""Processes that are killed (SIGKILL) at random moments, again and again, until their work is done."""

from __future__ import annotations

import multiprocessing
import random
import time
from collections.abc import Callable
from typing import Any

Work = Callable[..., None]


def _run(work: Work, ready: Any, arguments: tuple[Any, ...]) -> None:
    work(ready.set, *arguments)


def begin(work: Work, *arguments: Any) -> Any:
    """A process that has just begun to work."""
    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    process = fork.Process(target=_run, args=(work, ready, arguments))
    process.start()
    assert ready.wait(60)
    return process


def lasts(work: Work, *arguments: Any) -> float:
    """Seconds of a run that nobody disturbs."""
    process = begin(work, *arguments)
    began = time.monotonic()
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - began


def kill_often(seconds: float, kills: int, work: Work, *arguments: Any) -> int:
    """Begin and kill ``kills`` times, each within ``seconds``; then let it end. How many were cut short."""
    chance, cut_short = random.Random(20261122), 0
    for _ in range(kills):
        process = begin(work, *arguments)
        time.sleep(chance.uniform(0, seconds))
        process.kill()
        process.join()
        cut_short += process.exitcode != 0
    process = begin(work, *arguments)
    process.join()
    assert process.exitcode == 0
    return cut_short
