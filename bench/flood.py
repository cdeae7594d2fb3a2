"""A flood of ready-made HTTP requests over a few kept-alive connections, as cheap for the client as it can be."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Flood:
    """``seconds`` of wall clock; ``waits``: seconds of each answer, ascending; answers by status."""

    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def wait(self, share: float) -> float:
        """The wait that ``share`` of the answers stayed below."""
        return self.waits[min(int(len(self.waits) * share), len(self.waits) - 1)]


def request(path: str, headers: dict[str, str], body: bytes) -> bytes:
    """One POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def flood(port: int, requests: Sequence[bytes], connections: int) -> Flood:
    """Send all of ``requests``, each connection one after the other."""
    return asyncio.run(_flood(port, requests, connections))


async def _flood(port: int, requests: Sequence[bytes], connections: int) -> Flood:
    found, waiting = Flood(), iter(requests)
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_drops(port, waiting, found))
    found.seconds = time.perf_counter() - began
    found.waits.sort()
    return found


async def _drops(port: int, waiting: object, found: Flood) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for one in waiting:  # type: ignore[attr-defined]
        began = time.perf_counter()
        writer.write(one)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        size = next(int(line.partition(b":")[2]) for line in lines if line.startswith(b"content-length:"))
        await reader.readexactly(size)
        found.statuses[int(head.split(b" ", 2)[1])] += 1
        found.waits.append(time.perf_counter() - began)
    writer.close()
