"""The command tree of ``gw``. A branch is imported when it is asked for, so that each command starts quickly."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from gateway.cli.output import mode


class Branch(NamedTuple):
    """A command or group: the module that has it, and its line in the help of ``gw``."""

    module: str
    line: str


BETWEEN = " · "  # each help text says it in Chinese, then in English
TREE = {
    "init": Branch("setup", "建库、迁移、生成密钥，可重复执行 · make or upgrade database and keys; may be repeated"),
    "doctor": Branch(
        "setup", "体检：密钥、数据库、配置、磁盘、对端 · check keys, database, configuration, disk, targets"
    ),
    "run": Branch("flow", "完整一轮：采集至对账 · one whole cycle, from pull to reconcile"),
    "pull": Branch("flow", "采集、落地并归一 · pull and land raw bytes, then normalise them"),
    "normalise": Branch("flow", "归一已落地的原始数据 · normalise what was landed"),
    "dispatch": Branch("flow", "差评工单派发至 12345 · dispatch negative evaluations as work orders to 12345"),
    "push": Branch("flow", "封装并上报，回执验签 · seal, store, send; verify receipts"),
    "track": Branch("flow", "从 12345 取回工单进展 · bring work-order states back from 12345"),
    "reconcile": Branch(
        "reconcile",
        "与国家平台对账；list, show, repair, sign, recover, statement · compare with the national platform; repair",
    ),
    "serve": Branch("serve", "接收主动推送的数据（HTTP 服务） · take what is pushed to us, over HTTP"),
    "status": Branch("status", "总览，以及待谁处理 · everything at a glance, and what waits for whom"),
    "explain": Branch("explain", "追溯一条记录的来路与去向 · where a record came from and what became of it"),
    "person": Branch("persons", "当事人：find · the records about one person, by blind index"),
    "stuck": Branch("stuck", "滞留：停在哪里、为何、等谁 · what stands still, why, and who must act"),
    "batch": Branch(
        "batches",
        "批次：list, show, retry, suspend, resume, cancel, split, restore, resolve, approve, decline · sealed batches",
    ),
    "quarantine": Branch("quarantine", "隔离区：list, show, replay · refused records"),
    "evidence": Branch("evidence", "存证：build, verify, export, purge · archive that verifies without a database"),
    "integrity": Branch("integrity", "数据真实性：check, list, report, figures · patterns in the ledger"),
    "order": Branch("orders", "工单：list, show · work orders"),
    "source": Branch("sources", "数据源与接入：list, new, check, try, shadow, go-live… · sources, and how one joins"),
    "items": Branch("items", "事项：report · service items"),
    "target": Branch(
        "targets",
        "目的地：list, ping, check, suspend, resume, maintenance, pin, keys, indicators · receiving platforms",
    ),
    "call": Branch("calls", "逐条上报的接口：list, settle · single records whose call brought no answer"),
    "keys": Branch("keys", "密钥：list, new, rotate, export, check, … · our keys and their rotation"),
    "audit": Branch("audits", "审计：list · who did what, and why"),
    "sandbox": Branch("sandbox", "沙箱：up, down · five doubles as real servers on loopback"),
}


class Tree(TyperGroup):
    """The root group; its help lists :data:`TREE` without importing any of it."""

    _listing = False

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]
        return list(TREE)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> Any:  # type: ignore[override]
        branch = TREE.get(cmd_name)
        if branch is None:
            return None
        if self._listing:
            return TyperCommand(cmd_name, help=half(branch.line))
        module = import_module(f"gateway.cli.{branch.module}")
        found: Any = typer.main.get_command(module.app)
        command = found if cmd_name not in getattr(found, "commands", {}) else found.commands[cmd_name]
        command.name = cmd_name
        command.help = half(branch.line) if command is found else command.help
        return in_language(command)

    def format_help(self, ctx: typer.Context, formatter: Any) -> None:  # type: ignore[override]
        self._listing = True
        self.help = half(self.help or "")
        for parameter in self.params:
            in_language(parameter)
        super().format_help(ctx, formatter)


def in_language(node: Any) -> Any:
    """``node`` and what is below it with the operator's half of every help text."""
    node.help = half(node.help) if getattr(node, "help", None) else None
    for below in (*getattr(node, "commands", {}).values(), *getattr(node, "params", ())):
        in_language(below)
    return node


def half(text: str) -> str:
    """The Chinese or the English half of a help text."""
    chinese, between, english = text.partition(BETWEEN)
    return english if mode.lang == "en" and between else chinese
