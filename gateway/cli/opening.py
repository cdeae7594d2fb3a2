"""The deployment a command works on: opened once, closed when the command ends."""

from __future__ import annotations

from contextlib import ExitStack

from gateway.bootstrap import open_context
from gateway.settings import Settings
from gateway.stages.context import Context

opened = ExitStack()


def gateway(settings: Settings | None = None) -> Context:
    """The context of this deployment; raises what :func:`gateway.bootstrap.open_context` raises."""
    context = open_context(settings)
    opened.callback(context.store.close)
    return context
