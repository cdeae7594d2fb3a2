"""Portal pages for the real portal mapping, a connector that serves them, and a context around a store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.bootstrap import initialise, open_context
from gateway.connector import Finding, Page
from gateway.settings import Settings
from gateway.stages.context import Context
from schemas.source import SourceFile

ROOT = Path(__file__).resolve().parents[3]
SOURCE = "portal_guangan"
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
ITEM = "511A0090800010-511602000000-000-115113016823646795-1-00"
DEPT = "115113016823646795"


def record(
    number: int, satisfaction: str | None = "5", *, correction: bool = False, **evaluation: Any
) -> dict[str, Any]:
    """A good record of the portal; ``None``: the service was not rated."""
    negative = satisfaction in ("1", "2")
    rated: dict[str, Any] = {
        "satisfaction": satisfaction,
        "pf": "1",
        "indicators": [],
        "text": "等候时间太长，窗口没有人" if negative else "",
        "time": "2026-11-19 10:00:00",
        "anonymous": "2",
        "public": "1",
        "isDefault": "0",
        "round": "1",
    }
    return {
        "id": f"u{number}",
        "updatedAt": "2026-11-19 10:00:00",
        "correction": correction,
        "case": {
            "projectNo": f"GA20261119{number:06d}",
            "projectName": "种畜禽生产经营许可证信息变更",
            "taskCode": ITEM,
            "areaCode": "511602000000",
            "deptCode": DEPT,
            "orgName": "区行政审批局",
            "status": "3",
            "caseType": "1",
            "channel": "1",
            "promiseDay": "",
            "promiseUnit": "",
            "applyDate": "2026-11-18 09:00:00",
            "acceptDate": "2026-11-18 10:00:00",
            "resultDate": "2026-11-19 09:00:00",
        },
        "service": {"number": "1", "name": "办结", "time": "2026-11-19 09:00:00"},
        "applicant": {
            "name": "王小明",
            "type": "1",
            "certType": "111",
            "certNo": "11010519491231002X",
            "mobile": "13800000000",
        },
        "evaluation": None if satisfaction is None else rated | evaluation,
    }


def page(records: Sequence[Any], origin: str = "page=1", cursor: str = '{"n":1}') -> Page:
    body = json.dumps({"code": 0, "data": {"total": len(records), "list": list(records)}}, ensure_ascii=False).encode()
    return Page(body, "application/json", origin, cursor, len(records))


class Served:
    """A connector that serves given pages beyond the cursor, and fails where told."""

    def __init__(self, pages: Sequence[Page], fail_after: int | None = None, failure: Exception | None = None) -> None:
        self.all = list(pages)
        self.fail_after = fail_after
        self.failure = failure
        self.told: list[str] = []
        self.asked: list[str | None] = []
        self.closed = False

    def check(self) -> list[Finding]:
        return []

    def pages(self, cursor: str | None, known: Callable[[str], bool]) -> Iterator[Page]:
        self.asked.append(cursor)
        for number, served in enumerate(self.all):
            if self.failure is not None and number == self.fail_after:
                raise self.failure
            yield served
        if self.failure is not None and self.fail_after == len(self.all):
            raise self.failure

    def landed(self, page: Page) -> None:
        self.told.append(page.origin)

    def unfinished(self) -> list[str]:
        return []

    def close(self) -> None:
        self.closed = True


class Clock:
    """Moves a second a look."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def settings_of(url: str, folder: Path, **settings: Any) -> Settings:
    """Store at ``url``, keys below ``folder``, the project's own mappings."""
    return Settings(home=ROOT, var=folder, database_url=url, keys_dir=folder / "keys", **settings)


def context_of(url: str, folder: Path, **settings: Any) -> Context:
    """A real context on a store that is made if need be."""
    config = settings_of(url, folder, **settings)
    initialise(config)
    return open_context(config, Clock())


def serve(context: Context, served: Served) -> Served:
    """Let every source of ``context`` be served by ``served``."""

    def build(_source: SourceFile) -> Served:
        return served

    object.__setattr__(context, "build_connector", build)
    return served
