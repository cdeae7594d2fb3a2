"""The sandbox's own credentials: drawn once for a folder, kept there with mode 0600, never on a command line."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import NamedTuple

SECRETS = "secrets.json"
LOGINS = {"portal": "gateway", "app": "paas_guangan", "kiosk": "kiosk", "hotline": "", "national": "paas_national"}


class Secret(NamedTuple):
    """``login`` is a user's name or a paasid; ``password`` a password or a token."""

    login: str
    password: str


def make_secrets(folder: Path) -> dict[str, Secret]:
    """The credentials of ``folder``, drawn if it has none yet."""
    if not (folder / SECRETS).exists():
        drawn = {name: [login, secrets.token_hex(16)] for name, login in LOGINS.items()}
        write_private(folder / SECRETS, json.dumps(drawn, indent=1) + "\n")
    return read_secrets(folder)


def read_secrets(folder: Path) -> dict[str, Secret]:
    """The credentials of ``folder``."""
    held = json.loads((folder / SECRETS).read_text(encoding="utf-8"))
    return {name: Secret(*pair) for name, pair in held.items()}


def write_private(path: Path, text: str) -> None:
    """Write ``path`` so that only its owner can ever read it, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)
