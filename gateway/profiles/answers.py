"""What a batch came to where the receiver gives no receipt (无回执): its answers, in the receipt's place.

It is our own account, not a proof: nobody signed it. It is kept as a receipt is, under an id that says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.crypto.canonical import canonical_json, parse_canonical
from gateway.crypto.receipt import ExpectedReceipt, Receipt, ReceiptItem
from gateway.errors import Bug
from gateway.profiles.book import Item
from gateway.profiles.verdict import DUPLICATE

UNSIGNED = "unsigned:"


def write_answers(profile: str, batch_id: str, items: Sequence[Item]) -> bytes:
    """The account of a batch whose records are all done; the same bytes whenever it is written."""
    coded = [item for item in items if item.code is not None]
    return canonical_json(
        {
            "batchId": batch_id,
            "items": [
                {"code": item.code, "index": item.index, "key": item.key, "message": item.words} for item in coded
            ],
            "profile": profile,
            "records": len(items),
        }
    )


def read_answers(raw: bytes, batch: ExpectedReceipt) -> Receipt:
    """The account as the receipt that it stands for. ``Bug('profile.account_wrong')`` when it is not this batch's."""
    account = parse_canonical(raw)
    if account["batchId"] != batch.batch_id or account["records"] != batch.record_count:
        raise Bug("profile.account_wrong", batch=batch.batch_id)
    items = tuple(ReceiptItem(**item) for item in account["items"])
    duplicates = sum(item.code == DUPLICATE for item in items)
    rejected = len(items) - duplicates
    accepted = batch.record_count - len(items)
    return Receipt(
        receipt_id=(UNSIGNED + account["profile"])[:64],
        batch_id=batch.batch_id,
        header_digest=batch.header_digest,
        received_at="",
        status="accepted" if rejected == 0 else "partial" if accepted + duplicates else "rejected",
        accepted=accepted,
        duplicates=duplicates,
        rejected=rejected,
        items=items,
        merkle_root=batch.merkle_root,
        platform_key_id="",
    )
