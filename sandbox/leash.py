"""``python -m sandbox.leash MODULE ARGUMENTS…``: run a module that ends when its parent does, however that dies."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GRACE_SECONDS = 5


def end_with_parent() -> None:
    """End this process when its standard input closes: the parent holds the other end, and any death closes it."""

    def watch() -> None:
        while os.read(0, 1):  # unbuffered: at exit the interpreter must not wait for this thread's buffer
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run(words: list[str]) -> None:
    """Module and arguments, to the end."""
    end_with_parent()
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    run(sys.argv[1:])
