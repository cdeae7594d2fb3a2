"""Running ``gw`` as an operator does: on a deployment of its own, with and without a sandbox."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.app import main

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Operator:
    """``gw`` in this process, for the deployment in ``var`` with the configuration in ``home``."""

    def __init__(self, var: Path, home: Path = ROOT, **environment: str) -> None:
        self.var, self.home = var, home
        self.environment = {"GW_VAR": str(var), "GW_HOME": str(home), **environment}

    def __call__(self, *arguments: str, **more: str) -> Ran:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GW_")}
        out, err, code = io.StringIO(), io.StringIO(), 0
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(kept | self.environment | more)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            os.environ.clear()
            os.environ.update(before)
        ran = Ran(code, out.getvalue(), err.getvalue())
        assert "Traceback" not in ran.out + ran.err
        return ran

    def popen(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GW_")}
        command = [sys.executable, "-m", "gateway.cli", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=kept | self.environment, **options)


@pytest.fixture
def gw(tmp_path: Path, sqlite_template: Path) -> Operator:
    """A new deployment without a sandbox, its configuration free to be spoilt."""
    home = tmp_path / "home"
    (tmp_path / "var").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / "var" / "gateway.db")
    for folder in ("mappings", "targets"):
        shutil.copytree(ROOT / folder, home / folder)
    operator = Operator(tmp_path / "var", home)
    assert operator("init").code == 0
    return operator


@dataclass(frozen=True)
class Town:
    """A deployment whose sandbox has gone through one cycle."""

    gw: Operator
    first: Ran
    doubles: dict[str, Any]

    @property
    def folder(self) -> Path:
        return self.gw.var / "sandbox"


@pytest.fixture(scope="package")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """``gw sandbox up`` as an operator types it, then one ``gw run``."""
    operator = Operator(tmp_path_factory.mktemp("town") / "var")
    with running(operator, "--records", "600", "--seed", "7") as state:
        yield Town(operator, operator("run"), state["doubles"])


class running:  # noqa: N801 - reads as a verb
    """``gw sandbox up`` while the block lasts; gives what it printed. Ends it with Ctrl-C."""

    def __init__(self, operator: Operator, *options: str) -> None:
        self._operator, self._options = operator, options

    def __enter__(self) -> dict[str, Any]:
        self.process = self._operator.popen(
            "sandbox", "up", "--json", "--tick", "0.2", *self._options, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.rstrip() == b"}":
                break
        state: dict[str, Any] = json.loads(b"".join(lines))
        return state

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        assert self.process.wait(30) == 0
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def spoil(gw: Operator) -> Callable[[str, str, str], Path]:
    """Replace a text in a file of the deployment's configuration."""

    def replace(file: str, old: str, new: str) -> Path:
        path = gw.home / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return path

    return replace
