"""The quick way for records without a fault: Python generated once per source (measured by bench/mapping.py).

Four ideas carry it. Attributes from small vocabularies are converted together and remembered by their raw values, as
the text that they make on the wire. The others are accepted when they already have canonical form. The record's text
is put together from both as it will rest and be sent, and nobody writes JSON. Whatever looks unusual in any way is left
to the general way, together with what was accepted before; so this module can be slower than it should, but never of
another opinion. A property test holds both ways to the same entries.

Only names that the mapping's own schema admits reach the generated text, paths as string literals.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gateway.domain.memory import Memory
from gateway.mapping.acceptance import LEAVE, time_readers
from gateway.mapping.entry import Entries
from gateway.mapping.groups import (
    Group,
    Grouping,
    NoAnchorError,
    fill_codes,
    fill_evaluator,
    fill_rating,
    fill_task,
    fill_terms,
    is_parted,
)
from gateway.mapping.outcome import Problem
from gateway.mapping.paths import holds
from gateway.mapping.plan import Plan
from gateway.mapping.quick_parts import INHERITED, Parts
from gateway.mapping.spec import Condition
from schemas.attributes import Kind
from schemas.masters import Region

Quick = Callable[[list[Any], str], list[Entries]]


class GoOn(NamedTuple):
    """Where the general way takes over: it finds all that is wrong, or that nothing is.

    ``record`` begins anew, and never raises. The others are given the source record, the latest time and the keys of
    the groups, ``service`` the single attributes that were accepted, ``evaluation`` the service's problems and time. Of
    a service with faults ``service`` gives just these two back.
    """

    record: Callable[[Any, str], Entries]
    service: Callable[..., Entries | tuple[Sequence[Problem], str]]
    evaluation: Callable[..., Entries]


_MARKS = (bool, str, type(None))  # numbers may be equal and yet not read alike
_UNRATED = "keep(Entries(() if wrong else (service,), {problems}, corrects, not wrong)); continue"
_GO_ON = "keep(evaluation_from_here(item, latest, problems, service_time, (rating_key, evaluator_key)))"


def compile_quick(
    plan: Plan,
    paths: Mapping[Kind, Mapping[str, str]],
    regions: Mapping[str, Region],
    go_on: GoOn,
    writes: bool = True,
) -> Quick | None:
    """A function of (source records, latest time) giving what each becomes; it empties the places of records that
    nobody needs any more. For a source whose form it doesn't know there is none.
    """
    if not plan.service:
        return None
    if any(field.attribute.name in INHERITED for field in plan.evaluation):
        return None
    if any(field.spec.path is None for field in (*plan.service, *plan.evaluation) if not field.attribute.closed):
        return None
    if is_parted("service", plan.service) or is_parted("evaluation", plan.evaluation):
        return None
    if any(field.spec.by == "pair" for field in plan.evaluation):
        return None  # free text stands beside the codes, and nothing personal may be remembered
    try:
        return _Writer(plan, paths, regions, go_on, writes).compile()
    except NoAnchorError:
        return None


class _Writer(Parts):
    """Writes the function, line by line."""

    def __init__(
        self,
        plan: Plan,
        paths: Mapping[Kind, Mapping[str, str]],
        regions: Mapping[str, Region],
        go_on: GoOn,
        writes: bool,
    ) -> None:
        from gateway.crypto.digest import sm3  # late: a parse of the DAG files loads mappings, and no cryptography

        super().__init__(plan, writes)
        self._grouping = Grouping(plan, paths, regions)
        self._begin("service", plan.service, self._grouping.service)
        self._names |= time_readers([*plan.service, *plan.evaluation])
        self._names |= {"sm3": sm3, "record_anew": go_on.record}
        self._names |= {"service_from_here": go_on.service, "evaluation_from_here": go_on.evaluation}

    def compile(self) -> Quick:
        spec = self._plan.spec
        self._group("task", fill_task, self._grouping.task, "area_code", "dept_code", "task_code")
        self._group("terms", fill_terms, self._grouping.terms)
        found = ("status", "service_certificate", "service_number", "stage")
        self._group("codes", fill_codes, self._grouping.codes, *found)
        single = [field for field in self._plan.service if not field.attribute.closed]
        for field in single:
            self._single(field)
        self._service_rules()
        accepted = ", ".join(f"{field.name!r}: {field.name}" for field in single)
        self._write(2, "if wrong:")
        keys = "(codes_key, task_key, terms_key)"
        self._write(3, f"left = service_from_here(item, latest, {{{accepted}}}, {keys})")
        self._write(3, "if left.__class__ is Entries: keep(left); continue")
        self._write(3, "problems, service_time = left")
        self._write(2, "else:")
        self._write(3, "parent = f'{project_no}#{service_number}'")
        self._text(3, "parent")
        self._write(3, "service = Entry('service', parent, None, service_at, area_code, dept_code, task_code,")
        self._write(3, "    None, None, None, stage, content, personal, digest)")
        self._write(3, "problems = task_problems + terms_problems + codes_problems")
        if spec.correction is None:
            self._write(2, "corrects = False")
        else:
            self._correction(spec.correction)
        if self._plan.evaluation:
            self._evaluation()
        else:
            self._write(2, "keep(Entries(() if wrong else (service,), problems, corrects, False))")
        quick: Quick = self._function()
        return quick

    def _correction(self, condition: Condition) -> None:
        """The mark of a correction has two or three values: remember what each says."""
        self._names["corrects_when"] = met = holds(condition)
        if "." in condition.path:
            self._write(2, "corrects = corrects_when(item)")
            return
        self._names["MARKS"] = _MARKS
        self._names["marks"] = Memory[Any, bool](lambda raw: met({condition.path: raw}), 64)
        self._write(2, f"mark = item.get({condition.path!r})")
        self._write(2, f"if mark is False: corrects = {met({condition.path: False})}")
        self._write(2, "else: corrects = marks[mark] if mark.__class__ in MARKS else corrects_when(item)")

    def _service_rules(self) -> None:
        mapped = {field.attribute.name for field in self._plan.service}
        for name in ("apply_date", "accept_date", "result_date"):
            if name not in mapped:
                self._write(2, f"{name} = None")
        marks = [name for name in ("cert_key", "cert_key_gov") if name in mapped]
        rules = [
            " and ".join(f"{name} is None" for name in marks),
            "service_time > latest",
            "accept_date is None and status > 1",
            "accept_date is None and apply_date is not None and result_date is not None and apply_date > result_date",
            "accept_date is not None and accept_date > service_time",
            "accept_date is not None and apply_date is not None and apply_date > accept_date",
            "result_date is None and status > 2",
            "result_date is not None and accept_date is not None and accept_date > result_date",
        ]
        self._write(2, f"wrong = wrong or {' or '.join(rules)}")

    def _evaluation(self) -> None:
        """From here on the service stands; what follows is the evaluation."""
        group = self._grouping.rating
        satisfaction = next(field for field in group.fields if field.attribute.name == "satisfaction")
        path = satisfaction.spec.path or ""
        above = tuple(path.split(".")[:-1])
        if above and above not in self._nodes and self._plan.severities["satisfaction.unrated"] != "E":
            node = self._node(above)
            self._names["unrated_problem"] = self._grouping.unrated_problem()
            self._write(2, f"if {node} is None: {_UNRATED.format(problems='(*problems, unrated_problem)')}")
        self._begin("evaluation", self._plan.evaluation, self._grouping.evaluation)
        lines, self._lines = self._lines, []
        self._rated(group)
        unread = "        rating_key = evaluator_key = None"
        self._lines = [*lines, unread, "        try:", *(f"    {line}" for line in self._lines)]
        self._write(2, f"except EXPECTED: {_GO_ON}")

    def _rated(self, rating: Group) -> None:
        found = ("wants_text", "assess_number", "level", "channel", "origin")
        self._group("rating", fill_rating, rating, *found)
        self._write(2, f"if level is None: {_UNRATED.format(problems='problems + rating_problems')}")
        said = "problems + rating_problems"
        evaluator = self._grouping.evaluator
        if evaluator.fields:
            self._group("evaluator", fill_evaluator, evaluator, "evaluation_certificate")
            said += " + evaluator_problems"
        else:
            self._names["evaluation_certificate"] = None
        mapped = [field for field in self._plan.evaluation if not field.attribute.closed]
        for field in mapped:
            self._accepted(field, 2, self._access(field))
        if not any(field.attribute.name == "writing_evaluation" for field in mapped):
            self._write(2, "writing_evaluation = None")
        self._write(2, f"if assess_time > latest or assess_time < service_time: {LEAVE}")
        self._write(2, f"if wants_text and writing_evaluation is None: {LEAVE}")
        self._write(2, f"said = {said}")
        self._write(2, "if wrong:")
        self._write(3, "if writing_evaluation: writing_evaluation.encode()")  # which half a character has not
        self._write(3, "keep(Entries((), said, corrects, False)); continue")
        self._write(2, "key = f'{parent}#{assess_number}'")
        self._text(2, "key")
        self._write(2, "evaluation = Entry('evaluation', key, parent, assess_at, area_code, dept_code,")
        self._write(2, "    task_code, level, channel, origin, None, content, personal, digest)")
        if self._plan.spec.revision is None:  # which is read later
            self._write(2, "items[at] = None")  # its memory is still at hand, and taken again by what comes next
        self._write(2, "keep(Entries((service, evaluation), said, corrects, False))")
