"""Where things lie below the sandbox's folder."""

from __future__ import annotations

OUTBOX, ARCHIVE = "outbox", "archive"
ORDERS = "hotline_orders.db"
