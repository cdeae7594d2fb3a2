"""How a source wants to be asked (采集约定): when not at all, how often, and by how many at once."""

from __future__ import annotations

from datetime import datetime, time, timedelta, timezone

from pydantic import BaseModel, ConfigDict, Field

SHANGHAI = timezone(timedelta(hours=8))
WEEK = timedelta(days=7)


class Maintenance(BaseModel):
    """A recurring time in which the source is not asked (维护窗口), Asia/Shanghai; it may pass midnight."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hours: str = Field(
        pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$", description="23:00-01:30; equal ends: a whole day"
    )
    weekdays: list[int] = Field(
        default_factory=lambda: list(range(1, 8)), min_length=1, description="on which it begins, Monday is 1"
    )

    def until(self, now: datetime) -> datetime | None:
        """When the window that ``now`` (aware) stands in ends; ``None`` outside of it."""
        begins, ends = (time.fromisoformat(text) for text in self.hours.split("-"))
        local = now.astimezone(SHANGHAI)
        for days in (0, 1):
            first = datetime.combine(local.date() - timedelta(days=days), begins, SHANGHAI)
            last = datetime.combine(first.date() + timedelta(days=ends <= begins), ends, SHANGHAI)
            if first.isoweekday() in self.weekdays and first <= local < last:
                return last
        return None


class Rate(BaseModel):
    """A budget of calls (限速), shared by all workers and all sources of the same connection."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calls: int = Field(ge=1, le=10_000, description="so many")
    seconds: float = Field(1.0, gt=0, le=3600, description="in so many seconds")
    burst: int = Field(1, ge=1, le=1000, description="at once after a rest")

    @property
    def interval(self) -> float:
        """Seconds between two calls."""
        return self.seconds / self.calls


def in_maintenance(windows: list[Maintenance], now: datetime) -> datetime | None:
    """When the source may be asked again; windows that follow on each other count as one. ``None``: now."""
    end: datetime | None = None
    for _ in range(len(windows) + 1):
        later = [found for window in windows if (found := window.until(end or now)) is not None]
        if not later or (end is not None and end - now > WEEK):
            break
        end = max(later)
    return end
