"""``python -m bench.sealing``: sealing and opening the largest batch there may be (64 MiB), and the memory it takes.

Each case runs in a process of its own, whose peak counts whole, interpreter included, against 1.5 × payload + 64 MB;
ends with 1 if one goes over. The content is random hex, which gzip can't bring below half of it. "In memory" holds all
records and the sealed bytes at once, as the push does; without gzip, which the push always uses, that is told but not
counted.
"""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from bench.meter import peak_memory
from gateway.crypto import sm2
from gateway.crypto.content import LARGEST_CONTENT
from gateway.crypto.envelope import (
    Receiver,
    SealRequest,
    SenderKeys,
    SenderTrust,
    open_from,
    seal_batch,
    seal_into,
)
from gateway.crypto.signers import Es256Signer, Es256Verifier, Sm2Signer, Sm2Verifier
from gateway.crypto.suites import SUITES
from gateway.crypto.wrappers import RsaUnwrapper, RsaWrapper, Sm2Unwrapper, Sm2Wrapper

RECORDS = 5_000
SENDER = "510000000000"
WAYS = ("streamed", "in memory")
Say = Callable[[str], object]


class Content:
    """Records that are made anew at each reading, so that none of them is held."""

    def __init__(self, records: int, size: int) -> None:
        self._records, self._size = records, size

    def __iter__(self) -> Iterator[bytes]:
        source = random.Random(1)
        length = self._size // self._records - 1  # with the line feed
        for number in range(self._records):
            head, tail = b'{"data":{"text":"', b'"},"key":"%d","kind":"service","version":1}' % number
            yield head + source.randbytes(length).hex()[: length - len(head) - len(tail)].encode() + tail


def limit(payload: int) -> int:
    """Bytes of memory that a batch of ``payload`` bytes may take."""
    return payload * 3 // 2 + 64_000_000


def measure(suite: str, way: str, compression: str) -> dict[str, float]:
    """Seals and opens one batch of the largest size in this process; bytes and seconds."""
    sender, receiver = _parties(suite)
    now = datetime.now(UTC).replace(microsecond=0)
    request = SealRequest(
        suite=suite,
        sender=SENDER,
        recipient="NATIONAL",
        batch_id="ab" * 16,
        stream="main",
        seq=1,
        prev_digest="0" * 64,
        created=now,
        expires=now + timedelta(days=1),
        compression=compression,
    )
    content = Content(RECORDS, LARGEST_CONTENT)
    base = peak_memory()
    begun = time.perf_counter()
    body: IO[bytes]
    if way == "streamed":
        body = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the process)
        seal_into(request, content, sender, body)
    else:
        body = io.BytesIO(seal_batch(request, list(content), sender).body)
    sealed, peak = time.perf_counter() - begun, peak_memory()
    size = body.seek(0, io.SEEK_END)
    begun = time.perf_counter()
    count = 0

    def take(_: bytes) -> None:
        nonlocal count
        count += 1

    open_from(body, receiver, now, take)
    assert count == RECORDS
    return {
        "base": base,
        "seal_peak": peak,
        "peak": peak_memory(),
        "sealed": size,
        "seal_seconds": sealed,
        "open_seconds": time.perf_counter() - begun,
    }


def _parties(suite: str) -> tuple[SenderKeys, Receiver]:
    if SUITES[suite].key_wrap == "SM2":
        signing, opening = sm2.generate(), sm2.generate()
        keys = SenderKeys(Sm2Signer(signing), Sm2Wrapper(opening.public))
        trust = SenderTrust(frozenset([suite]), {signing.key_id: Sm2Verifier(signing.public)})
        unwrapper: Sm2Unwrapper | RsaUnwrapper = Sm2Unwrapper(opening)
    else:
        curve, modulus = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 3072)
        verifier = Es256Verifier(curve.public_key())
        keys = SenderKeys(Es256Signer(curve), RsaWrapper(modulus.public_key()))
        trust = SenderTrust(frozenset([suite]), {verifier.key_id: verifier})
        unwrapper = RsaUnwrapper(modulus)
    return keys, Receiver("NATIONAL", {unwrapper.key_id: unwrapper}, {SENDER: trust}, largest_body=1 << 30)


def main(say: Say = print) -> int:
    """Every suite, way and compression; 1 if the memory of one goes over its limit."""
    over = 0
    say(f"{'suite':9} {'way':9} {'gzip':5} {'sealed MB':>9} {'seal s':>7} {'open s':>7} {'peak MB':>8} {'limit MB':>9}")
    for suite in SUITES:
        for way in WAYS:
            for compression in ("none", "gzip"):
                command = [sys.executable, "-m", "bench.sealing", suite, way, compression]
                done = subprocess.run(command, capture_output=True, check=True, cwd=Path(__file__).parents[1])
                found = json.loads(done.stdout)
                most = limit(LARGEST_CONTENT)
                over += found["peak"] > most and (way, compression) != ("in memory", "none")
                say(
                    f"{suite:9} {way:9} {compression:5} {found['sealed'] / 1e6:9.1f} {found['seal_seconds']:7.2f}"
                    f" {found['open_seconds']:7.2f} {found['peak'] / 1e6:8.1f} {most / 1e6:9.1f}"
                )
    return min(over, 1)


if __name__ == "__main__":
    if len(sys.argv) == 4:
        sys.stdout.write(json.dumps(measure(*sys.argv[1:])))
    else:
        sys.exit(main())
