"""Walking through stages: each step is told as it ends, a failing one costs its neighbours nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from rich.status import Status as Spinner

from gateway.cli.output import Exit, err, exit_for, leave, mode, say, show, tell, word
from gateway.cli.tables import shown
from gateway.errors import GatewayError, Transient
from gateway.messages import explain
from gateway.reports.standstill import Standstill, standstill
from gateway.reports.status import gateway_status
from gateway.reports.waiting import Waiting, waiting
from gateway.stages.context import Context

LEAVES = {"push": ("target", "batch"), "dispatch": ("orders",)}  # what a stage may leave waiting


@dataclass(frozen=True, slots=True)
class Step:
    """One stage for one subject (a source, a target)."""

    stage: str
    subject: str
    act: Callable[[], Any]

    @property
    def name(self) -> str:
        return f"{word('stage.' + self.stage)} {self.subject}"


@dataclass(frozen=True, slots=True)
class Taken:
    """A step and how it ended. ``stopped``: its report says that it stood still."""

    step: Step
    counts: dict[str, Any]
    failed: GatewayError | None = None
    stopped: Standstill | None = None

    @property
    def document(self) -> dict[str, Any]:
        known: dict[str, Any] = {"stage": self.step.stage, "subject": self.step.subject}
        if self.failed is None or self.counts:
            known["counts"] = self.counts
        return known | ({"error": self.code, "message": self.sentence} if self.code else {})

    @property
    def code(self) -> str | None:
        """Why it failed or stood still."""
        trouble = self.failed or self.stopped
        return None if trouble is None else trouble.code

    @property
    def sentence(self) -> str:
        if self.failed is not None:
            return explain(self.failed, mode.lang)
        return "" if self.stopped is None else self.stopped.sentence(mode.lang)


def walk(context: Context, steps: Sequence[Step], *, whole: bool = False) -> None:
    """Take every step, then end the command; what still waits is told, all of it after a ``whole`` cycle."""
    taken = [_taken(step, f"{number}/{len(steps)}") for number, step in enumerate(steps, 1)]
    waits = _waits(context, taken, whole)
    show({"steps": [one.document for one in taken], "waiting": [_told(wait) for wait in waits]})
    if not steps:
        say("no_steps")
    if waits:
        say("waiting")
    for wait in waits:
        tell(f"  · {wait.sentence(mode.lang)}")
    leave(_ending(taken, waits))


def _taken(step: Step, number: str) -> Taken:
    try:
        with _working(f"{number} {step.name} …"):
            report = step.act()
        taken = Taken(step, asdict(report), stopped=standstill(report, step.subject))
    except GatewayError as error:
        taken = Taken(step, {}, failed=error)
    if taken.code:
        say("step_failed", step=step.name, error=taken.code, message=taken.sentence)
    if not taken.failed:
        say("step_done" if not taken.stopped else "step_stopped", step=step.name, counts=_figures(taken.counts))
    return taken


def _waits(context: Context, taken: Sequence[Taken], whole: bool) -> list[Waiting]:
    """After one stage only what that stage could have done; the hints of a failed step come with its sentence."""
    stages = {one.step.stage for one in taken}
    if not whole and not stages & set(LEAVES):
        return []
    try:
        everything = waiting(
            gateway_status(
                context.store,
                context.sources,
                context.clock(),
                context.targets.pushed,
                context.settings.hold_hours,
            )
        )
    except GatewayError:
        return []  # the database went away: the steps have told it
    if whole:
        return everything
    kinds = tuple(kind for stage in stages for kind in LEAVES.get(stage, ()))
    return [wait for wait in everything if wait.code.startswith(kinds)]


def _told(wait: Waiting) -> dict[str, Any]:
    return {"code": wait.code, **wait.params, "noted": wait.noted, "message": wait.sentence(mode.lang)}


def _figures(counts: dict[str, Any]) -> str:
    told = [
        f"{word('count.' + name)} {_size(value) if name == 'bytes' else shown(value)}"
        for name, value in counts.items()
        if isinstance(value, int) and not isinstance(value, bool) and value
    ]
    told += [f"{word('count.' + name)} {len(value)}" for name, value in counts.items() if name == "days" and value]
    return " · ".join(told) or word("nothing_new")


def _size(size: int) -> str:
    return f"{size:,} B" if size < 10_000 else f"{size // 1000:,} kB"


@contextmanager
def _working(line: str) -> Iterator[None]:
    """A moving line on the terminal while a step works; nothing where nobody looks."""
    if mode.json or not err.is_terminal:
        yield
        return
    with Spinner(line, console=err):
        yield


def _ending(taken: Sequence[Taken], waits: Sequence[Waiting]) -> Exit:
    failures = [one.failed for one in taken if one.failed]
    if failures and len(failures) == len(taken):
        return exit_for(next((error for error in failures if not isinstance(error, Transient)), failures[0]))
    if failures or any(one.stopped for one in taken) or any(not wait.noted for wait in waits):
        return Exit.PARTLY
    return Exit.DONE
