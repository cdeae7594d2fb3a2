"""README and docs name only commands and options of ``gw`` that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from gateway.cli.app import app
from gateway.cli.tree import TREE

ROOT = Path(__file__).resolve().parents[3]
PAGES = [*ROOT.glob("README*.md"), *(ROOT / "docs").rglob("*.md")]
SPAN = re.compile(r"`(?:[A-Z_]+=\S+ )*gw ([^`\n]+)`")
LINE = re.compile(r"^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*gw (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"[…<>\[\]{}A-Z]|\.\.\.")


def written(page: Path) -> list[str]:
    """Every ``gw …`` of a page: in code spans and in code blocks."""
    text = page.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    return [*SPAN.findall(BLOCK.sub("", text)), *(line for block in blocks for line in LINE.findall(block))]


def unknown(command: str) -> str | None:
    """What of ``command`` (the text after ``gw``) does not exist; None when all of it does."""
    command = re.split(r"\s[#&|>;]|[|;]", command)[0]
    node: Any = typer.main.get_command(app)
    context = node.make_context("gw", ["status"], resilient_parsing=True)
    options = {option for parameter in node.params for option in parameter.opts} | {"-h", "--help"}
    words = iter(shlex.split(command.replace("'", '"') if command.count("'") % 2 else command))
    for word in words:
        if word.startswith("-"):
            if word.split("=")[0] not in options:
                return word
            if word == "--lang":
                next(words, None)
        elif hasattr(node, "list_commands") and not PLACEHOLDER.search(word):
            below = node.get_command(context, word) if node.name == "gw" else node.commands.get(word)
            if below is None:
                return word
            node = below
            options |= {option for parameter in node.params for option in parameter.opts}
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages_name_what_exists(page: Path) -> None:
    assert {command: wrong for command in written(page) if (wrong := unknown(command))} == {}


def test_the_readme_shows_commands() -> None:
    assert len(written(ROOT / "README.md")) >= 5


@pytest.mark.parametrize("command", ["nonsense", "batch nonsense", "status --nonsense", "--nonsense status"])
def test_what_does_not_exist_is_found(command: str) -> None:
    assert unknown(command) is not None


@pytest.mark.parametrize("name", sorted(TREE))
def test_every_branch_of_the_tree_is_there(name: str) -> None:
    assert unknown(name) is None
    assert unknown(f"{name} -h") is None
