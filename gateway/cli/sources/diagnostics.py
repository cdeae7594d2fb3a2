"""``gw source diagnostics``: a bundle that may be handed to anyone who helps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.output import Json, say, show
from gateway.cli.sources.listing import SourceId
from gateway.onboarding.diagnostics import bundle


def diagnostics(
    source: SourceId,
    file: Annotated[Path | None, typer.Option("--out", help="文件，缺省在当前目录取名 · file")] = None,
    as_json: Json = False,
) -> None:
    """诊断包：配置、状态、计数、问题代码；不含个人信息和密钥 · a bundle without personal data or secrets."""
    packed = bundle(gateway(), source)
    target = file or Path(f"diagnostics-{source}.zip")
    target.write_bytes(packed)
    show({"source": source, "file": target, "bytes": len(packed)})
    say("diagnostics", file=target, bytes=len(packed))
