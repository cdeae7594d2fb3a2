"""How one platform is set up."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sandbox.platform.intake import Limits


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """``folder`` holds ledger, clients and keys, and survives restarts.

    ``regions`` is a CSV with a column ``code``, ``items`` one with a column ``task_code``; without them any well-formed
    code is known. ``token`` None: one is made at the first start.
    """

    folder: Path
    senders: list[str] = field(default_factory=lambda: ["510000000000"])
    sender_keys: Path | None = None
    regions: Path | None = None
    items: Path | None = None
    recipient: str = "NATIONAL"
    paasid: str = "gw-sandbox"
    token: str | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def keys_folder(self) -> Path:
        """Private keys."""
        return self.folder / "keys"

    @property
    def public_folder(self) -> Path:
        """Public keys, for pinning at the sender."""
        return self.folder / "public"

    @property
    def clients_file(self) -> Path:
        """Paasids, tokens, senders and their suites."""
        return self.folder / "clients.json"
