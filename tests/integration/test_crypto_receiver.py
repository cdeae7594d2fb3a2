"""The national platform's double, whose reader was written from the interface's page alone, opens what we seal."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.crypto.envelope import SenderKeys, seal_batch
from gateway.crypto.keys import KeyFolder
from gateway.crypto.suites import SUITES
from sandbox.platform.envelope import take_apart
from sandbox.platform.opening import decrypt, split, unpack
from sandbox.platform.own_keys import OwnKeys
from tests.unit.crypto.hcpb import request, sender_keys

RECORDS = [b'{"data":{},"key":"%d#1","kind":"service","version":1}' % number for number in range(4_000)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> OwnKeys:
    return OwnKeys(tmp_path_factory.mktemp("platform"))


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("suite", sorted(SUITES))
def test_the_double_opens_what_we_seal(tmp_path: Path, platform: OwnKeys, suite: str, compression: str) -> None:
    theirs = [key for key in platform.all if key.alg == SUITES[suite].key_wrap]
    folder = KeyFolder(tmp_path)
    folder.pin(theirs[0].spki, "enc")
    keys = SenderKeys(sender_keys(suite).signer, folder.wrapper())
    records = [*RECORDS, b"x" * 2_500_000]
    sealed = seal_batch(request(suite, compression=compression), records, keys)
    envelope = take_apart(sealed.body)
    own = platform.unwrapping(suite, sealed.header.recipient_key_id)
    assert own is not None
    assert envelope.header_digest.hex() == sealed.header_digest
    assert split(envelope, unpack(envelope, decrypt(envelope, own))) == records


def test_a_key_of_the_double_verifies_by_its_pinned_half(tmp_path: Path, platform: OwnKeys) -> None:
    folder = KeyFolder(tmp_path)
    for suite in SUITES:
        own = platform.signing(suite)
        folder.pin(own.spki, "sig")
        verifier = folder.verifier(own.key_id)
        assert verifier is not None
        assert verifier.algorithm == SUITES[suite].signature_algorithm
        assert verifier.verify(b"receipt", own.operate(b"receipt"))
        assert not verifier.verify(b"another", own.operate(b"receipt"))
