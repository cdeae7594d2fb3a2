"""Who a work order (工单) is: ids made from the evaluation alone, so that every run makes the same."""

from __future__ import annotations

from collections.abc import Callable

Digest = Callable[[bytes], bytes]  # SM3; handed in, since this room stands below the ciphers
EXTERNAL_PREFIX = "HCP"


def order_id(digest: Digest, evaluation_key: str, cycle: int) -> str:
    """Our own id: 32 hex characters."""
    return digest(b"order\0" + evaluation_key.encode() + b"\0" + str(cycle).encode()).hex()[:32]


def external_id(digest: Digest, evaluation_key: str, cycle: int, area_code: str) -> str:
    """The id that the hotline knows the order by (外部编号): ``HCP-<county>-<20 hex>-<cycle>``.

    It reveals the county and nothing of the person or the case.
    """
    mark = digest(b"evaluation\0" + evaluation_key.encode()).hex()[:20]
    return f"{EXTERNAL_PREFIX}-{area_code[:6]}-{mark}-{cycle}"
