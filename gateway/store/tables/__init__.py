"""Every table of the gateway's own state. Only :mod:`gateway.store` may import this module.

Portable on purpose (SQLite, PostgreSQL, domestic databases later): keys are made by the application, times are UTC
without zone, JSON is text that SQL never looks into, names are lower case and not reserved.
"""

from gateway.store.tables.acts import approval, bundle, void_notice
from gateway.store.tables.base import metadata
from gateway.store.tables.calls import target_call
from gateway.store.tables.delivery import (
    batch,
    batch_attempt,
    batch_body,
    batch_event,
    batch_record,
    delivery_hold,
    receipt,
    reconciliation,
    reconciliation_item,
    stream,
    target_state,
)
from gateway.store.tables.evidence import evidence_batch, evidence_day
from gateway.store.tables.files import source_file
from gateway.store.tables.flow import connection_slot, connection_turn, pull_window
from gateway.store.tables.inbox import inbox_nonce, inbox_request
from gateway.store.tables.integrity import integrity_finding, integrity_run, source_figure
from gateway.store.tables.ledger import counter, duplicate, ledger_record, quarantine, quarantine_problem
from gateway.store.tables.onboarding import dry_run, shadow_day, source_life
from gateway.store.tables.orders import work_order, work_order_event
from gateway.store.tables.persons import person_index, person_indexed
from gateway.store.tables.protection import audit_event, crypto_key, published
from gateway.store.tables.repairs import reconciliation_repair, reconciliation_sign
from gateway.store.tables.sources import raw_page, source_state
from gateway.store.tables.trail import key_backfill, parent_hold, source_revision

__all__ = [
    "approval",
    "audit_event",
    "batch",
    "batch_attempt",
    "batch_body",
    "batch_event",
    "batch_record",
    "bundle",
    "connection_slot",
    "connection_turn",
    "counter",
    "crypto_key",
    "delivery_hold",
    "dry_run",
    "duplicate",
    "evidence_batch",
    "evidence_day",
    "inbox_nonce",
    "inbox_request",
    "integrity_finding",
    "integrity_run",
    "key_backfill",
    "ledger_record",
    "metadata",
    "parent_hold",
    "person_index",
    "person_indexed",
    "published",
    "pull_window",
    "quarantine",
    "quarantine_problem",
    "raw_page",
    "receipt",
    "reconciliation",
    "reconciliation_item",
    "reconciliation_repair",
    "reconciliation_sign",
    "shadow_day",
    "source_figure",
    "source_file",
    "source_life",
    "source_revision",
    "source_state",
    "stream",
    "target_call",
    "target_state",
    "void_notice",
    "work_order",
    "work_order_event",
]
