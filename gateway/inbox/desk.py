"""The desk (接收台): a request from its headers to its records' fate. What is refused here has left no trace."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import timedelta
from typing import TypeVar

from starlette.requests import Request as HttpRequest

from gateway.crypto.digest import sm3_hex
from gateway.errors import Rejected
from gateway.inbox.body import declared_size, read_body
from gateway.inbox.claim import Claim, read_claim
from gateway.inbox.doors import Door
from gateway.inbox.gathering import Gathering
from gateway.inbox.judging import Judge, Judged, Landed
from gateway.inbox.landing import Lander, Request
from gateway.inbox.limits import Room
from gateway.mapping.decode import ONE_RECORD
from gateway.stages.context import Context
from gateway.store import inbox
from gateway.store.inbox import Taken

Result = TypeVar("Result")
LARGE = 128 * 1024  # bytes whose digest is worth a thread of its own


class Desk:
    """Takes requests in the event loop's thread; lands and judges them in a thread each."""

    def __init__(self, context: Context, doors: Mapping[str, Door]) -> None:
        self._context, self._doors, self._room = context, doors, Room()
        self._judge = Judge(context)
        self._landing: Gathering[Request, Taken] = Gathering("inbox-landing", Lander(context).land)
        self._judging: Gathering[Landed, Judged | None] = Gathering("inbox-judging", self._judge.judge)

    def start(self) -> None:
        """Begin to work; what a former process landed and didn't normalise goes first."""
        self._landing.start()
        self._judging.start()
        for source_id in self._doors:
            self._judging.put(Landed(source_id))

    def close(self) -> None:
        """Finish what was taken."""
        self._landing.close()
        self._judging.close()

    def check(self) -> None:
        """Raises ``Transient`` when nothing could be stored now."""
        with self._context.store.rehearse() as transaction:
            inbox.forget_nonces(transaction, self._context.clock())

    async def push_batch(self, request: HttpRequest, source_id: str) -> tuple[Judged, bool]:
        """Land a batch. Gives its fate, and whether it had been landed before. Raises ``Rejected``, ``Transient``."""
        door = self._door(source_id)
        expected = door.options.media_type.partition(";")[0]
        return await self._push(request, door, expected, door.options.media_type)

    async def push_one(self, request: HttpRequest, source_id: str) -> tuple[Judged, bool]:
        """Land a single record, else like :meth:`push_batch`."""
        return await self._push(request, self._door(source_id), "application/json", ONE_RECORD)

    async def ask(self, request: HttpRequest, source_id: str, page_id: str) -> Judged:
        """The fate of a page that this sender has pushed before. Raises ``Rejected``, ``Transient``."""
        door = self._door(source_id)
        claim = read_claim(request.headers, changes=False)
        await self._verify(request, door, claim, b"")
        if not await asyncio.to_thread(self._pushed, source_id, claim.sender, page_id):
            raise Rejected("inbox.receipt_unknown")
        return (await asyncio.to_thread(self._judge.told, [page_id]))[page_id]

    async def _push(self, request: HttpRequest, door: Door, expected: str, media_type: str) -> tuple[Judged, bool]:
        claim = read_claim(request.headers, changes=True)
        door.key_for(claim, self._context.clock())
        _check_content(request, expected)
        with self._room.held(declared_size(request, door.options.max_bytes)):
            body = await read_body(request, door.options.max_bytes)
            digest = await self._verify(request, door, claim, body)
            landing = self._landing.put(Request(door.source_id, claim, door.window, media_type, body, digest))
            taken = await _done(landing)
            if taken.page_id is None:
                raise Rejected(f"inbox.{taken.outcome}")
            held = body if taken.outcome == "landed" else None
            patience = timedelta(seconds=door.options.answer_seconds)
            judged = await self._fate(Landed(door.source_id, taken.page_id, held), patience)
        return judged, taken.outcome == "repeat"

    async def _verify(self, request: HttpRequest, door: Door, claim: Claim, body: bytes) -> str:
        """Is it really that sender's, and may it ask now? Then the body's SM3, which is worth having once."""
        key = door.key_for(claim, self._context.clock())
        target, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")

        def digested() -> tuple[str, bool]:
            digest = sm3_hex(body)
            text = claim.signed_text(request.method, f"{target}?{query}" if query else target, digest)
            return digest, key.verify(text, claim.signature)

        digest, holds = await asyncio.to_thread(digested) if len(body) > LARGE else digested()
        if not holds:
            raise Rejected("inbox.signature_wrong", sender=claim.sender, key=claim.key)
        door.buckets[claim.sender].take()
        return digest

    async def _fate(self, landed: Landed, patience: timedelta) -> Judged:
        """Its fate; where that takes longer than ``patience``, the page as it stands, which is durable anyway."""
        try:
            async with asyncio.timeout(patience.total_seconds()):
                judged = await _done(self._judging.put(landed))
        except TimeoutError:
            judged = None
        return judged or (await asyncio.to_thread(self._judge.told, [landed.page_id]))[landed.page_id]

    def _door(self, source_id: str) -> Door:
        door = self._doors.get(source_id)
        if door is None:
            raise Rejected("inbox.source_unknown")
        return door

    def _pushed(self, source_id: str, sender: str, page_id: str) -> bool:
        with self._context.store.read() as transaction:
            return inbox.page_of(transaction, source_id, sender, page_id)


async def _done(future: Future[Result]) -> Result:
    """Its result. Whoever stops waiting doesn't stop the work."""
    return await asyncio.shield(asyncio.wrap_future(future))


def _check_content(request: HttpRequest, expected: str) -> None:
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != expected:
        raise Rejected("inbox.media_type", expected=expected)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Rejected("inbox.encoding")
