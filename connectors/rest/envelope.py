"""How a REST answer says that all is well, that it has nothing, is busy, or that our token has expired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.bodies import Body
from connectors.rest.options import Envelope
from gateway.errors import Transient
from gateway.net.answer import Answer, retry_after, shown_code


class Expired(Exception):
    """The envelope says that the token is no longer good."""


def judge(body: Body, envelope: Envelope, answer: Answer) -> bool:
    """True: look for records; False: it says that it has none.

    Raises :class:`Expired`, ``Transient``: ``rest.unsuccessful``, ``rest.busy``.
    """
    if _any(body, envelope.expired):
        raise Expired
    if _any(body, envelope.busy):
        wait = retry_after(answer.headers.get("retry-after"))
        raise Transient("rest.busy", retry_after=wait, address=answer.address)
    if _any(body, envelope.empty):
        return False
    for path, wanted in envelope.success.items():
        found = body.value(path)
        if found != wanted or type(found) is not type(wanted):
            raise Transient("rest.unsuccessful", address=answer.address, key=path, found=shown_code(found))
    return True


def _any(body: Body, listed: Mapping[str, Sequence[Any]]) -> bool:
    return any(body.value(path) in values for path, values in listed.items())
