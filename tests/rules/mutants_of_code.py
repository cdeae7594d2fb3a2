"""Each rule taken out of the code: reports silenced, conditions always or never true, limits moved, words lost."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import partial

from tests.rules.mutants import ROOT, CodeChange, Mutant

RULES_OF_VALUES = (
    *("gateway/mapping/rules.py", "gateway/mapping/convert.py", "gateway/mapping/times.py"),
    *("gateway/mapping/rectification.py", "gateway/domain/check_digit.py", "gateway/mapping/compiled.py"),
    *("gateway/mapping/round.py", "schemas/conditions.py"),
)
QUICK = ("gateway/mapping/quick.py", "gateway/mapping/quick_parts.py")
ACCEPTANCE = "gateway/mapping/acceptance.py"
DECLARED = "gateway/mapping/plan.py"
PROBLEMS = "gateway/domain/problem.py"
MASTERS = "schemas/masters.py"
SILENT = frozenset({"report", "fail"})
NEXT: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
Edit = tuple[str, Callable[[ast.AST], ast.AST | None]]


def code_mutants() -> Iterator[Mutant]:
    for place in RULES_OF_VALUES:
        yield from _mutants(place, _rule_edits)
    for place in QUICK:
        yield from _mutants(place, _quick_edits)
    yield from _mutants(ACCEPTANCE, _acceptance_edits)
    yield from _mutants(DECLARED, _refusal_edits)
    yield from _mutants(PROBLEMS, _word_edits)
    yield from _mutants(MASTERS, _rule_edits)


def _mutants(place: str, edits: Callable[[ast.AST], Iterator[Edit]]) -> Iterator[Mutant]:
    text = (ROOT / place).read_text(encoding="utf-8")
    count: dict[str, int] = {}
    tree = ast.parse(text)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    within = {id(node) for function in functions for statement in function.body for node in ast.walk(statement)}
    for number, node in enumerate(ast.walk(tree)):
        for what, edit in edits(node):
            written = " ".join(ast.unparse(node).split("\n")[0].split())[:90]
            said = f"{place}: {what}: {written}"
            count[said] = count.get(said, 0) + 1
            if count[said] > 1:
                said += f" ({count[said]})"
            yield Mutant(
                place, said, _words(node), CodeChange(place, partial(_edited, text, number, edit)), id(node) in within
            )


def _words(node: ast.AST) -> tuple[str, ...]:
    """Problem codes and attributes named nearby: rules that are likely to notice."""
    return tuple(
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and len(one.value) > 3
    )


def _edited(text: str, number: int, edit: Callable[[ast.AST], ast.AST | None]) -> str:
    tree = ast.parse(text)
    target = next(node for at, node in enumerate(ast.walk(tree)) if at == number)
    return ast.unparse(ast.fix_missing_locations(_Swap(target, edit).visit(tree)))


class _Swap(ast.NodeTransformer):
    def __init__(self, target: ast.AST, edit: Callable[[ast.AST], ast.AST | None]) -> None:
        self._target, self._edit = target, edit

    def visit(self, node: ast.AST) -> ast.AST | None:  # type: ignore[override]
        return self._edit(node) if node is self._target else self.generic_visit(node)


def _rule_edits(node: ast.AST) -> Iterator[Edit]:
    yield from _report_edits(node)
    yield from _condition_edits(node)
    yield from _word_edits(node)


def _report_edits(node: ast.AST) -> Iterator[Edit]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        called = node.value.func
        if isinstance(called, ast.Attribute) and called.attr in SILENT:
            yield "not said", lambda _: ast.Pass()


def _condition_edits(node: ast.AST) -> Iterator[Edit]:
    if isinstance(node, (ast.If, ast.IfExp)):
        for name, value in (("never", False), ("always", True)):

            def edit(found: ast.AST, value: bool = value) -> ast.AST:
                assert isinstance(found, (ast.If, ast.IfExp))
                found.test = ast.Constant(value)
                return found

            yield name, edit
    if isinstance(node, ast.Compare) and type(node.ops[0]) in NEXT:

        def moved(found: ast.AST) -> ast.AST:
            assert isinstance(found, ast.Compare)
            found.ops[0] = NEXT[type(found.ops[0])]()
            return found

        yield "limit", moved


def _word_edits(node: ast.AST) -> Iterator[Edit]:
    """Elements of constants, entries of tables."""
    if isinstance(node, (ast.Set, ast.Tuple)) and all(isinstance(one, ast.Constant) for one in node.elts):
        for index, one in enumerate(node.elts):

            def less(found: ast.AST, index: int = index) -> ast.AST:
                assert isinstance(found, (ast.Set, ast.Tuple))
                del found.elts[index]
                return found

            if len(node.elts) > 1 and isinstance(one, ast.Constant):
                yield f"without {one.value!r}", less
    if isinstance(node, ast.Dict) and len(node.keys) > 1:
        for index, key in enumerate(node.keys):

            def fewer(found: ast.AST, index: int = index) -> ast.AST:
                assert isinstance(found, ast.Dict)
                del found.keys[index], found.values[index]
                return found

            if isinstance(key, ast.Constant):
                yield f"without {key.value!r}", fewer


def _quick_edits(node: ast.AST) -> Iterator[Edit]:
    """A line of the generated function that leaves a record to the general way, or one of its conditions."""
    if isinstance(node, ast.Expr) and "LEAVE" in ast.unparse(node):
        yield "not left to the general way", lambda _: ast.Pass()
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "rules":
        for index in range(len(node.value.elts) if isinstance(node.value, ast.List) else 0):

            def unasked(found: ast.AST, index: int = index) -> ast.AST:
                assert isinstance(found, ast.Assign)
                assert isinstance(found.value, ast.List)
                found.value.elts[index] = ast.Constant("False")
                return found

            yield f"condition {index + 1} not looked at", unasked


def _acceptance_edits(node: ast.AST) -> Iterator[Edit]:
    """The same, where the lines are elements of a list."""
    for index, one in enumerate(node.elts) if isinstance(node, ast.List) else ():
        line = ast.unparse(one)
        if "{LEAVE}" in line and "if " in line:

            def passed(found: ast.AST, index: int = index, line: str = line) -> ast.AST:
                assert isinstance(found, ast.List)
                found.elts[index] = ast.Constant("    pass" if "'    " in line or '"    ' in line else "pass")
                return found

            yield f"line {index + 1} not left to the general way", passed


def _refusal_edits(node: ast.AST) -> Iterator[Edit]:
    """A declaration that is refused no longer."""
    if isinstance(node, ast.If) and any(isinstance(one, ast.Raise) for one in node.body):

        def never(found: ast.AST) -> ast.AST:
            assert isinstance(found, ast.If)
            found.test = ast.Constant(False)
            return found

        yield "never refused", never
