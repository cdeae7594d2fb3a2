"""Calls of single records (调用登记), for receivers that know no batches."""

from __future__ import annotations

from sqlalchemy import Column, Integer, LargeBinary, String, Table, Text

from gateway.store.tables.base import Moment, metadata

target_call = Table(  # a row per record of a batch, made when its first call is about to begin
    "target_call",
    metadata,
    Column("batch_id", String(32), primary_key=True),
    Column("item", Integer, primary_key=True),  # as in batch_record
    Column("state", String(8), nullable=False),  # ready | begun | done; begun: nobody knows what became of it
    Column("outcome", String(16)),  # of the last answer
    Column("code", String(32)),  # of the outcome; none: accepted
    Column("tries", Integer, nullable=False, default=0),
    Column("request", LargeBinary),  # sealed: the business content, the same on every attempt
    Column("request_digest", String(64)),  # hex SM3 of it, plain
    Column("content_digest", String(64)),  # hex SM3 of its fields before any cipher
    Column("answer", LargeBinary),  # sealed: their words and the raw answer, as evidence
    Column("reference", Text),  # JSON: what the receiver calls the record (serviceCode, evaluateUnid)
    Column("begun_at", Moment),
    Column("answered_at", Moment),
    Column("settled_by", String(64)),  # the person who looked, where no answer came
)
