"""A process that pushes, to be killed: ``python -m tests.integration.delivery.pusher HOME DATABASE_URL``."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.stages.push import push
from tests.integration.delivery.world import open_world

if __name__ == "__main__":
    context = open_world(Path(sys.argv[1]), sys.argv[2])
    print("ready", flush=True)
    push(context, "national")
