"""A ledger with a past: rows that were stored and delivered long ago, so that growth can be measured."""

from __future__ import annotations

from sqlalchemy import text

from gateway.store import Store

BATCH = 1000
FILLING = (
    """INSERT INTO ledger_record (position, kind, record_key, version, parent_key, source_id, event_at, received_at,
           digest, content)
       SELECT n, CASE n % 2 WHEN 1 THEN 'service' ELSE 'evaluation' END,
           'OLD' || ((n + 1) / 2) || CASE n % 2 WHEN 1 THEN '#1' ELSE '#1#1' END, 1,
           CASE n % 2 WHEN 0 THEN 'OLD' || ((n + 1) / 2) || '#1' END, 'portal_guangan',
           '2026-01-01 00:00:00', '2026-01-01 00:00:00', CAST('0123456789abcdef0123456789abcdef' AS {bytes}), :content
       FROM numbers""",
    """INSERT INTO batch_record (batch_number, item, position) SELECT n / :batch, n % :batch, n FROM numbers""",
    "UPDATE counter SET value = :rows",  # positions, and numbers of batches
    """INSERT INTO target_state (target_id, breaker, failures, position) SELECT 'national', 'closed', 0, :rows""",
)
NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :rows) "


def fill(store: Store, rows: int) -> None:
    """``rows`` ledger rows, service and evaluation by turns, with their places in batches; no personal data."""
    kind = "bytea" if store.dialect == "postgresql" else "blob"
    values = {"rows": rows, "batch": BATCH, "content": "{" + "x" * 500 + "}"}
    with store.begin() as transaction:
        for statement in FILLING:
            insert, _, selected = statement.format(bytes=kind).partition("SELECT")
            whole = f"{insert}{NUMBERS}SELECT{selected}" if "FROM numbers" in selected else statement
            asked = text(whole)
            transaction.execute(asked, {name: value for name, value in values.items() if f":{name}" in whole})
