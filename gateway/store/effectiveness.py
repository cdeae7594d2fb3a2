"""Evaluations marked as not effective (无效评价): an appeal was upheld (误评, 恶意差评). The rating stays and counts;
figures are shown a second time without them (data integrity, own conduct 5).
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, FromClause, or_, select

from gateway.store.tables import ledger_record

# In canonical JSON, where a quotation mark within a value is escaped, these can only be members.
NOT_EFFECTIVE = '%"effectivEvalua":"0"%'
UPHELD = ('%"verifyResult":"mistaken"%', '%"verifyResult":"malicious"%')


def not_effective(evaluation: FromClause) -> ColumnElement[bool]:
    """Does the source say so of this evaluation, or the latest version of a rectification of it?"""
    told, newer = ledger_record.alias("told"), ledger_record.alias("told_later")
    superseded = select(newer.c.position).where(
        newer.c.kind == told.c.kind, newer.c.record_key == told.c.record_key, newer.c.version > told.c.version
    )
    by_rectification = select(told.c.parent_key).where(
        told.c.kind == "rectification",
        or_(*(told.c.content.like(mark) for mark in (NOT_EFFECTIVE, *UPHELD))),
        ~superseded.exists(),
    )
    return or_(evaluation.c.content.like(NOT_EFFECTIVE), evaluation.c.record_key.in_(by_rectification))
