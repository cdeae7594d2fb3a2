"""Handing evidence out (调档): some days and the public keys, in a folder of its own that anyone can verify."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import Rejected
from gateway.evidence.folder import KEYS, PublicKeyFolder, content_path, load_public, seal_path, sealed_days
from gateway.evidence.verify import verify_folder


@dataclass(frozen=True, slots=True)
class Exported:
    """``head``: digest of the last seal that was handed out."""

    folder: str
    first: str
    last: str
    days: int
    head: str


def export(archive: Path, keys: Path, out: Path, first: str, last: str) -> Exported:
    """Copy the days ``first`` to ``last`` and every public signature key below ``keys`` into the new folder ``out``.

    Raises ``Rejected``: ``evidence.folder_used``, ``evidence.empty``, ``evidence.unsound`` (count, day, code) when
    what would be handed out doesn't verify.
    """
    if out.exists() and any(out.iterdir()):
        raise Rejected("evidence.folder_used", folder=str(out))
    days = [day for day in sealed_days(archive) if first <= day <= last]
    if not days:
        raise Rejected("evidence.empty", folder=str(archive))
    (out / KEYS).mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in sorted(keys.rglob("*.pem")):
        if not path.name.endswith((".key.pem", ".enc.pem")) and load_public(path) is not None:
            shutil.copyfile(path, out / KEYS / path.name)
    for day in days:
        for source in (content_path(archive, day), seal_path(archive, day)):
            if source.exists():
                shutil.copyfile(source, out / source.name)
                (out / source.name).chmod(0o600)
    found = verify_folder(out, PublicKeyFolder(keys), part=True)
    if found.findings:
        worst = found.findings[0]
        raise Rejected("evidence.unsound", count=len(found.findings), day=worst.day, finding=worst.code)
    return Exported(str(out), days[0], days[-1], len(days), found.head)
