"""``gw person``: the records about one person, found without opening anybody else's."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from gateway.cli.opening import gateway
from gateway.cli.operator import Reason, actor, required
from gateway.cli.output import Json, mode, say, show, word
from gateway.cli.tables import table
from gateway.messages import text
from gateway.stages.persons import find

app = typer.Typer(no_args_is_help=True, add_completion=False)


class By(StrEnum):
    """What a person is known by."""

    ID = "id"
    PHONE = "phone"
    MARK = "mark"


FIELDS = {By.ID: "id_no", By.PHONE: "phone", By.MARK: "cert_key"}


@app.callback()
def group() -> None:
    """当事人：find · whom records are about."""


@app.command("find")
def find_person(
    by: Annotated[
        By, typer.Argument(help="id 证件号码、phone 手机、mark 身份标识 · certificate number, phone or identity mark")
    ],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """查某人的记录：值在终端输入或由标准输入给出，不进命令行；须给原因并审计 · a person's records; audited.

    The value is asked for, or the first line of standard input: never an argument, which the shell would remember.
    """
    why = required(reason)
    value = _asked(by)
    found = find(gateway(), FIELDS[by], value, actor(), why)
    show(found._asdict())
    table(
        word("person.records"),
        ("kind", "record", "version", "source", "time", "received"),
        [
            (
                text(f"lineage.kind.{one.kind}", mode.lang),
                one.record_key,
                one.version,
                one.source_id,
                one.event_at,
                one.received_at,
            )
            for one in found.records
        ],
    )
    if found.unreadable:
        say("person.unreadable", number=found.unreadable)
    if found.records:
        say("person.next")


def _asked(by: By) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(word(f"person.{by.value}"), hide_input=True, err=True))
    return sys.stdin.readline().strip()
