"""Revisions of the tables, run by :func:`gateway.store.migrate`."""
