"""A source's life (数据源生命周期): from a draft nobody pulls to a source whose records are pushed. A table, no I/O.

draft 草稿: not pulled. shadow 影子运行: pulled and landed, mapped in rehearsals only: nothing enters the ledger, so
nothing can be pushed or dispatched. live 已上线. paused 暂停: not pulled; what was landed of a live one is normalised.
"""

from __future__ import annotations

from enum import StrEnum


class Life(StrEnum):
    DRAFT = "draft"  # the county's engineer acts next
    SHADOW = "shadow"  # the county compares counts, then the province goes live
    LIVE = "live"  # nobody: it runs
    PAUSED = "paused"  # whoever paused it


class Turn(StrEnum):
    """What a person does to it."""

    SHADOW = "shadow"
    GO_LIVE = "go_live"
    PAUSE = "pause"
    RESUME = "resume"


TURNS: dict[tuple[Life, Turn], Life | None] = {  # none: back to what it was before the pause
    (Life.DRAFT, Turn.SHADOW): Life.SHADOW,
    (Life.LIVE, Turn.SHADOW): Life.SHADOW,
    (Life.DRAFT, Turn.GO_LIVE): Life.LIVE,
    (Life.SHADOW, Turn.GO_LIVE): Life.LIVE,
    (Life.SHADOW, Turn.PAUSE): Life.PAUSED,
    (Life.LIVE, Turn.PAUSE): Life.PAUSED,
    (Life.PAUSED, Turn.RESUME): None,
}


def after(life: Life, turn: Turn, before: Life | None) -> Life | None:
    """The life after ``turn``; none when there is no such way. ``before``: what a paused source was."""
    if (life, turn) not in TURNS:
        return None
    return TURNS[life, turn] or before


def is_pulled(life: Life) -> bool:
    return life in (Life.SHADOW, Life.LIVE)


def is_normalised(life: Life, before: Life | None) -> bool:
    """May its pages enter the ledger, and so be pushed and dispatched?"""
    return Life.LIVE in (life, before if life is Life.PAUSED else None)
