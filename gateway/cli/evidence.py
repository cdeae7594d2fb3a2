"""``gw evidence``: the archive of headers, receipts and history; verifying it needs no database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.flow import business_day
from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Exit, Json, leave, say, show, word
from gateway.cli.tables import table
from gateway.evidence.export import export as export_days
from gateway.evidence.folder import PublicKeyFolder
from gateway.evidence.verify import verify_folder
from gateway.settings import load
from gateway.stages import evidence as archive

app = typer.Typer(no_args_is_help=True, add_completion=False)
Folder = Annotated[Path | None, typer.Option("--folder", help="存证目录，缺省 var/evidence · the archive's folder")]
Keys = Annotated[Path | None, typer.Option("--keys", help="公钥目录，缺省密钥目录 · folder of public keys")]


@app.command()
def build(folder: Folder = None, as_json: Json = False) -> None:
    """归档至昨日，签名成链；可重复执行 · archive and seal every day up to yesterday; may be repeated."""
    report = archive.build(gateway(), folder)
    show(report)
    say("evidence.built", days=report.days, batches=report.batches, last=report.last or "–", head=report.head or "–")
    for batch in report.damaged:
        say("evidence.damaged", batch=batch)
    leave(Exit.PARTLY if report.damaged else Exit.DONE)


@app.command()
def verify(
    folder: Folder = None,
    keys: Keys = None,
    head: Annotated[str, typer.Option(help="末日封签的摘要，用以发现截尾 · digest of the last seal")] = "",
    part: Annotated[bool, typer.Option("--part", help="只是其中若干日（调档） · some days only, an export")] = False,
    as_json: Json = False,
) -> None:
    """验档：只需目录与公钥，不连数据库 · verify; a folder and public keys suffice, no database."""
    settings = load()
    place = folder or settings.var_dir / archive.FOLDER
    found = verify_folder(place, PublicKeyFolder(keys or settings.key_folder), head=head, part=part)
    show(found)
    say("evidence.read", first=found.first, last=found.last, days=found.days, batches=found.batches, head=found.head)
    if not found.sound:
        table(
            word("evidence.findings"),
            ("evidence.day", "evidence.finding", "evidence.place"),
            [(one.day, f"{word('evidence.found.' + one.code)} {one.code}", one.place) for one in found.findings],
        )
    say("evidence.sound" if found.sound else "evidence.not_sound", count=len(found.findings))
    leave(Exit.DONE if found.sound else Exit.REFUSED)


@app.command()
def export(
    out: Annotated[Path, typer.Argument(help="新目录 · a new folder")],
    first: Annotated[str, typer.Option("--from", metavar="yyyy-MM-dd", help="首日 · first day")],
    last: Annotated[str, typer.Option("--to", metavar="yyyy-MM-dd", help="末日，含 · last day, included")],
    folder: Folder = None,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """调档：若干日的存证连同公钥，放进一个新目录 · hand out some days with the public keys, in a new folder."""
    settings = load()
    place = folder or settings.var_dir / archive.FOLDER
    done = export_days(place, keys or settings.key_folder, out, business_day(first), business_day(last))
    show(done)
    say("evidence.exported", folder=done.folder, days=done.days, head=done.head)


@app.command()
def purge(
    retention: Annotated[
        int, typer.Option("--retention-days", help="办结后保留天数，至少 90 · days kept after a batch was settled")
    ] = archive.LEAST_RETENTION_DAYS,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只演练，缺省如此 · rehearse only, the default")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="确认执行 · really do it")] = False,
    reason: Reason = "",
    folder: Folder = None,
    as_json: Json = False,
) -> None:
    """清除已归档且过了保留期的批次字节；未归档的不清 · let sealed bytes go that are archived and old enough."""
    really = yes and not dry_run
    why = required(reason) if really else ""
    report = archive.purge(gateway(), actor(), why, retention_days=retention, folder=folder, dry_run=not really)
    show(report)
    figures = {"batches": report.purged, "bytes": report.freed_bytes, "left": report.not_archived}
    say("evidence.purged" if really else "evidence.purge_rehearsed", **figures)
    leave(Exit.PARTLY if report.not_archived else Exit.DONE)
