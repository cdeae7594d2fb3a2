"""What a sender is answered (应答): the fate of each record of its request, with the problems as in quarantine."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from gateway.domain.moments import shanghai
from gateway.inbox.judging import Judged
from gateway.mapping.outcome import Problem
from gateway.mapping.sentence import sentence
from gateway.messages import Lang, text
from gateway.store.quarantine import WHOLE_PAGE

HELD, ERROR = "H", "E"


class ProblemAnswer(BaseModel):
    """一条问题；与隔离区所记一致，值已脱敏。"""

    code: str = Field(description="问题代码，如 `field.required`；含义见《映射编写指南》")
    severity: str = Field(description="`E` 隔离；`H` 等待办件；`W` 提示")
    field: str = Field(description="规范字段名")
    path: str = Field(description="在所发数据中的位置")
    message: str = Field(description="说明与处置")


class RecordAnswer(BaseModel):
    """没有入账的一条记录。未列出的都已入账。"""

    index: int | None = Field(description="在本次请求中的序号，从 0 起；整体无法读取时为 null")
    state: Literal["quarantined", "held", "duplicate"] = Field(
        description="`quarantined` 已隔离，须更正后重发；`held` 等待办件信息；`duplicate` 与已有记录相同，不必处理"
    )
    problems: list[ProblemAnswer]


class Answer(BaseModel):
    """一次推送的结果。原始数据已落盘，不会丢失。"""

    receipt: str = Field(description="回执号，查询与对账用")
    source: str = Field(description="数据源")
    state: Literal["judged", "waiting", "unreadable"] = Field(
        description="`judged` 已逐条处理；`waiting` 已落盘、尚未处理，稍后凭回执号查询；`unreadable` 整体读不了，已隔离"
    )
    received_at: str = Field(description="收到时间，RFC 3339")
    body_sha256: str = Field(description="收到的请求体的 SHA-256，十六进制，供核对")
    landed: int = Field(description="记录数 = stored + duplicate + quarantined")
    stored: int = Field(description="入账")
    duplicate: int = Field(description="重复")
    quarantined: int = Field(description="隔离（含等待办件）")
    records: list[RecordAnswer] = Field(description="没有入账的记录")
    code: str | None = Field(None, description="尚未处理的原因代码")
    message: str | None = Field(None, description="尚未处理的原因")


STATUS = {"judged": 200, "waiting": 202, "unreadable": 422}


def answer(source_id: str, judged: Judged, lang: Lang) -> Answer:
    """The answer for one page; its counts are those of the page when it was judged."""
    fate, whole = judged.fate, WHOLE_PAGE in judged.problems
    landed = 1 if whole else fate.landed
    refused = {WHOLE_PAGE: judged.problems[WHOLE_PAGE]} if whole else judged.problems
    repeated = [] if whole else sorted(fate.duplicates)
    records = [_record(index, problems, lang) for index, problems in sorted(refused.items())]
    records += [RecordAnswer(index=index, state="duplicate", problems=[]) for index in repeated]
    code = judged.reason.code if judged.reason else "inbox.waiting" if fate.waiting else None
    return Answer(
        receipt=fate.page_id,
        source=source_id,
        state="waiting" if fate.waiting else "unreadable" if whole else "judged",
        received_at=shanghai(fate.received_at).isoformat(timespec="seconds"),
        body_sha256=fate.body_digest,
        landed=landed,
        stored=landed - len(refused) - len(repeated),
        duplicate=len(repeated),
        quarantined=len(refused),
        records=records,
        code=code,
        message=text("inbox.waiting", lang) if fate.waiting else None,
    )


def _record(index: int, problems: list[Problem], lang: Lang) -> RecordAnswer:
    severities = {problem.severity for problem in problems}
    return RecordAnswer(
        index=None if index == WHOLE_PAGE else index,
        state="held" if HELD in severities and ERROR not in severities else "quarantined",
        problems=[
            ProblemAnswer(
                code=problem.code,
                severity=problem.severity,
                field=problem.field,
                path=problem.source_path,
                message=sentence(problem, lang),
            )
            for problem in problems
        ],
    )
