"""A problem as a sentence for people: what is wrong, where, and what to do; its value masked."""

from __future__ import annotations

from gateway.domain import mask
from gateway.mapping.outcome import Problem
from gateway.messages import Lang, catalogue, text


def sentence(problem: Problem, lang: Lang = "zh") -> str:
    """The catalogue's sentence under ``problem.<code>``; personal data in the value is masked. A code of the receiver's
    own is told with its words."""
    known = f"problem.{problem.code}" in catalogue(lang)
    value = mask.field(problem.field, problem.value) if problem.value is not None else "–"
    return text(
        f"problem.{problem.code}" if known else "problem.refused_there",
        lang,
        code=problem.code,
        field=problem.field,
        path=problem.source_path or problem.field,
        value=value,
        expected=problem.remedy or "–",
    )
