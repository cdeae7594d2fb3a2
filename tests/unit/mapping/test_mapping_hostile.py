"""A source file that means harm, or looks like it: refused at once, by line, and in words that say what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.mapping import compile_mapping, load_masters
from gateway.mapping.sources import load_source
from gateway.messages import explain

ROOT = Path(__file__).resolve().parents[3] / "mappings"
PORTAL = (ROOT / "511602" / "portal.yaml").read_text(encoding="utf-8")
HEAD = PORTAL.split("mapping:", maxsplit=1)[0]
NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
LINE = 'data_source: {value: "151"}'
LAUGHS = "a: &a [x]\n" + "".join(
    f"{two}: &{two} [{', '.join([f'*{one}'] * 9)}]\n" for one, two in zip("abcdefgh", "bcdefghi", strict=True)
)


def changed(to: str) -> str:
    assert LINE in PORTAL
    return PORTAL.replace(LINE, to)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (HEAD + "mapping: &a\n  x: *a\n", "别名"),
        (HEAD + "mapping:\n  service: &a [*a]\n", "别名"),
        (LAUGHS, "别名"),
        (HEAD + "mapping: " + "[" * 20_000 + "]" * 20_000, "最多 20 层"),
        (HEAD + "mapping:\n" + "".join("  " * (depth + 1) + "a:\n" for depth in range(1500)), "最多 20 层"),
        (HEAD + "mapping: !!python/object/apply:os.system ['id']\n", "YAML"),
        (PORTAL + "\n---\n" + PORTAL, "another document"),
        (HEAD + "mapping: {service: {user_prop: {path: a, map: {1: '1', '1': '2'}}}}\n", "只写一次"),
        (changed("<<: {bogus: {path: x}}"), "以下之一"),
        (changed("data_source: {value: 2026-11-20}"), "日期和长数字请加引号"),
        (changed("data_source: {value: .inf}"), "加引号"),
        (changed(f"data_source: {{value: {'9' * 5000}}}"), "YAML"),
        (changed("data_source: {path: a, map: {x: [1]}}"), "加引号"),
        (changed("data_source: {path: ..}"), "以点分隔"),
        (changed("data_source: {path: a..b}"), "以点分隔"),
        (changed("data_source: {path: [a, b]}"), "文本"),
        (changed("data_source: a.b"), "键值对"),
        (HEAD + "mapping: \0\n", "YAML"),
        (HEAD + 'mapping: "\\ud800"\n', "YAML"),
    ],
)  # fmt: skip
def test_it_is_refused_by_line_and_in_words(tmp_path: Path, body: str, told: str) -> None:
    (tmp_path / "511602").mkdir()
    path = tmp_path / "511602" / "one.yaml"
    path.write_text(body, encoding="utf-8")
    with pytest.raises(Misconfigured) as refused:
        compile_mapping(load_source(path), load_masters(ROOT))
    assert refused.value.code == "mapping.invalid"
    assert refused.value.params["line"] >= 1
    assert told in explain(refused.value)


def test_a_path_is_a_text_and_never_code(tmp_path: Path) -> None:
    """What stands in a path becomes a literal of the generated function, whatever it says."""
    (tmp_path / "511602").mkdir()
    path = tmp_path / "511602" / "one.yaml"
    for word in ("x'); raise SystemExit(1) #", 'x"]; import os #', "x\\n", "{x}", "x{{0}}", "\u2028"):
        written = word.replace("\\", "\\\\").replace('"', '\\"')
        path.write_text(PORTAL.replace("path: case.projectNo", f'path: "case.{written}"'), encoding="utf-8")
        using = compile_mapping(load_source(path), load_masters(ROOT))
        assert using.is_quick
        assert not using.apply({"case": {word: "GA1"}}, NOON).records
