"""Alembic's entry: the connection, already inside a transaction, comes from :func:`gateway.store.schema.migrate`."""

from __future__ import annotations

from alembic import context

from gateway.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
