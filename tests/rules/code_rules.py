"""Each code of each list, each indicator, each problem code (code-lists.json, indicators.json, records.md 7)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial

from gateway import messages
from gateway.domain.problem import PROBLEMS
from gateway.errors import Misconfigured
from gateway.mapping import Mapping as Compiled
from schemas import code_lists
from schemas.resource import read_json
from tests.rules.ground import Rule, compiled, of
from tests.rules.written import problems
from tests.rules.written.codes import LISTS, MARKED, VERSIONS, WIRE_NAMES
from tests.rules.written.indicators import DISABLED, ENABLED, SHOWN_FIRST


def rules() -> Iterator[Rule]:
    yield Rule("lists: these and no others", _lists)
    for name, codes in LISTS.items():
        yield Rule(f"list {name}: these and no others", partial(_only, name))
        yield Rule(f"list {name}: version and wire name", partial(_edition, name))
        for code in codes:
            yield Rule(f"list {name} {code}", partial(_code, name, code))
    for name, mark in MARKED:
        yield Rule(f"list {name}: {mark}", partial(_mark, name, mark))
    yield Rule("data_source: pattern", _data_source)
    yield Rule("indicators: these and no others", _only_indicators)
    for code in {**ENABLED, **DISABLED}:
        yield Rule(f"indicator {code}", partial(_indicator, code))
        yield Rule(f"indicator {code} by name", partial(_indicator_name, code))
    yield Rule("problems: these and no others", _only_problems)
    for code, severity in (problems.PROBLEMS | problems.OWN).items():
        yield Rule(f"problem {code} {severity}", partial(_problem, code, severity))


def _lists() -> None:
    assert set(read_json("code_lists.json")["lists"]) == set(LISTS)


def _only(name: str) -> None:
    assert code_lists.codes(name) == set(LISTS[name])
    assert code_lists.names(name) == LISTS[name]


def _edition(name: str) -> None:
    found = read_json("code_lists.json")["lists"][name]
    assert (found["version"], found["wire_name"]) == (VERSIONS[name], WIRE_NAMES[name])


def _code(name: str, code: str) -> None:
    assert code_lists.allows(name, code)
    assert not code_lists.allows(name, f" {code}")
    label, english = code_lists.items(name)[code]
    assert label == LISTS[name][code] == code_lists.names(name)[code]
    assert english


def _mark(name: str, mark: str) -> None:
    rows = read_json("code_lists.json")["lists"][name]["items"]
    assert {row["code"] for row in rows if row.get(mark)} == MARKED[name, mark]


def _data_source() -> None:
    for code in ("111", "151", "165", "190"):
        assert code_lists.allows("data_source", code)
    for code in ("101", "251", "15", "1511", "15x"):
        assert not code_lists.allows("data_source", code)


def _only_indicators() -> None:
    assert set(code_lists.indicators()) == {**ENABLED, **DISABLED}.keys()


def _indicator(code: str) -> None:
    """A ticked reason of the right level passes, with a warning when it is disabled; of another level it doesn't."""
    known = code_lists.indicators()[code]
    enabled = code in ENABLED
    assert (known.name, known.level) == ({**ENABLED, **DISABLED}[code], int(code[0]))
    assert (known.version, known.enabled, known.shown_first) == (2 if enabled else 1, enabled, code in SHOWN_FIRST)
    found = of("evaluation", {"satisfaction": code[0], "indicators": [code], "writing_evaluation": None})
    assert found.errors == set()
    assert found.warnings == (set() if enabled else {("indicator.disabled", "indicators")})
    assert found.evaluation["indicators"] == [code]
    other = str(int(code[0]) % 5 + 1)
    wrong = of("evaluation", {"satisfaction": other, "indicators": [code]})
    assert wrong.errors == {("indicator.level_mismatch", "indicators")}


BY_NAME = {"path": "evaluation.indicators", "by": "name", "separator": ";"}


def _indicator_name(code: str) -> None:
    """A source that sends labels gets the code of its level; of two, the one that is in force."""
    label = {**ENABLED, **DISABLED}[code]
    found = of("evaluation", {"satisfaction": code[0], "indicators": label}, _named())
    in_force = next((one for one, name in ENABLED.items() if name == label and one[0] == code[0]), code)
    assert found.evaluation["indicators"] == [in_force]


@cache
def _named() -> Compiled:
    return compiled(evaluation={"indicators": BY_NAME})


def _only_problems() -> None:
    assert set(PROBLEMS) == set(problems.PROBLEMS) | set(problems.OWN)


def _problem(code: str, severity: str) -> None:
    """Its severity; a profile may raise what only warns and lower what is marked so, and nothing else."""
    known = PROBLEMS[code]
    assert (known.severity, known.lowerable) == (severity[0], severity == "E*")
    assert _accepted(profile={"lower": [code]}) == (severity == "E*")
    assert _accepted(profile={"raise": [code]}) == (severity == "W")
    assert all(f"problem.{code}" in messages.catalogue(lang) for lang in ("zh", "en"))


def _accepted(**profile: dict[str, list[str]]) -> bool:
    try:
        compiled(**profile)
    except Misconfigured:
        return False
    return True
