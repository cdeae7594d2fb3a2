"""The table at the end of the demo: what the gateway says, beside what the generator and the doubles know."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from sandbox.demo.airflow import Airflow
from sandbox.demo.journey import Journey
from sandbox.desk import Desk
from sandbox.generator.files import read_truth

NEGATIVE = ("1", "2")
KINDS = ("service", "evaluation", "rectification")


def print_summary(journey: Journey, airflow: Airflow) -> bool:
    """Print everything; True when it all adds up."""
    console = Console(width=118, highlight=False)
    status = journey.status()
    truth = _truth(journey)
    platform, hotline = (_oracle(journey, name) for name in ("national", "hotline"))
    checks = [
        *_sources(console, status, truth),
        *_orders(console, status, truth, hotline),
        *_delivery(console, status, truth, platform),
        *_reconciliation(console, status),
    ]
    console.print()
    for what, holds in checks:
        console.print(f"  {'✓' if holds else '✗'} {what}", style="green" if holds else "bold red")
    console.print()
    console.print(f"  运维页面 operations page  {airflow.url}/plugin/gateway   (Airflow: {airflow.url})")
    console.print("  登录 login  " + " · ".join(f"{user} / {secret}" for user, secret in airflow.passwords.items()))
    console.print(f"  命令行 command line  GW_VAR={journey.var.relative_to(journey.project)} .venv/bin/gw status")
    console.print()
    return all(holds for _, holds in checks)


Check = tuple[str, bool]


def _sources(console: Console, status: Mapping[str, Any], truth: Mapping[str, Counter[str]]) -> list[Check]:
    table = Table(title="\n数据源 sources：落地 = 入账 + 隔离 + 重复", title_justify="left")
    table.add_column("数据源\nsource", no_wrap=True)
    for column in ("落地\nlanded", "入账\nstored", "隔离\nquarantined", "重复\nduplicate"):
        table.add_column(column, justify="right")
    for column in ("生成器：正确\ngenerator: right", "错误\nwrong", "重复\nduplicate"):
        table.add_column(column, justify="right", style="dim")
    adds_up = agrees = True
    for line in status["sources"]:
        planted = truth[line["source_id"]]
        good = planted["good"] + planted["unrated"]
        table.add_row(
            line["source_id"],
            *(str(line[name]) for name in ("landed", "stored", "quarantined", "duplicate")),
            *(str(figure) for figure in (good, planted["wrong"], planted["duplicate"])),
        )
        adds_up &= line["landed"] == line["stored"] + line["quarantined"] + line["duplicate"]
        # Pages overlap on purpose, so that nothing is lost between them: a record read twice counts as a duplicate.
        agrees &= line["stored"] == good and line["quarantined"] == planted["wrong"]
        agrees &= line["duplicate"] >= planted["duplicate"]
    console.print(table)
    return [
        ("每个数据源：落地 = 入账 + 隔离 + 重复 · adds up for every source", adds_up),
        ("与生成器的清单一致 · as the generator's own list says", agrees),
    ]


def _orders(
    console: Console, status: Mapping[str, Any], truth: Mapping[str, Counter[str]], hotline: Mapping[str, Any]
) -> list[Check]:
    negatives = sum(planted["negative"] for planted in truth.values())
    created = hotline["orders"]
    once = all(order["created"] == 1 for order in created.values())
    table = Table(title="\n差评工单 work orders", title_justify="left")
    table.add_column("状态 state")
    table.add_column("数量 count", justify="right")
    for line in status["orders"]:
        table.add_row(f"{line['state']} {line['text']['zh']} {line['text']['en']}", str(line["count"]))
    console.print(table)
    total = status["totals"]["orders"]
    return [
        (f"差评 {negatives} = 工单 {total} = 12345 建单 {len(created)}，各一次 · ratings of 1–2 = orders, each once",
         negatives == total == len(created) and once),
    ]  # fmt: skip


def _delivery(
    console: Console, status: Mapping[str, Any], truth: Mapping[str, Counter[str]], platform: Mapping[str, Any]
) -> list[Check]:
    total, effects = status["totals"], platform["effects"]
    table = Table(title="\n上报国家平台 delivery to the national platform", title_justify="left")
    for column in (
        "台账 ledger",
        "批次 batches",
        "回执 receipts",
        *(f"对端 {kind}" for kind in KINDS),
        "重复生效 doubled",
    ):
        table.add_column(column, justify="right")
    figures = (total["ledger"], total["batches"], platform["receipts"], *(effects[kind] for kind in KINDS))
    table.add_row(*(str(figure) for figure in (*figures, platform["doubled"])))
    console.print(table)
    services = sum(planted["services"] for planted in truth.values())
    evaluations = sum(planted["evaluations"] for planted in truth.values())
    arrived = sum(effects[kind] for kind in KINDS)
    return [
        (f"批次 {total['batches']} = 回执 {platform['receipts']} · a receipt for every batch",
         total["batches"] == platform["receipts"] == total["acknowledged"]),
        (f"台账 {total['ledger']} = 对端 {arrived}，各一次 · every record is there exactly once",
         total["ledger"] == arrived and platform["doubled"] == 0),
        (f"办件 {services}，评价 {evaluations} · as many as the generator planted",
         (effects["service"], effects["evaluation"]) == (services, evaluations)),
    ]  # fmt: skip


def _reconciliation(console: Console, status: Mapping[str, Any]) -> list[Check]:
    table = Table(title="\n对账 reconciliation", title_justify="left")
    for column in ("业务日 day", "类别 kind", "本端 ours", "对端 theirs", "结果 result"):
        table.add_column(column, justify="right" if column[0] in "本对" and "端" in column else "left")
    for line in status["reconciliations"]:
        equal = "一致 equal" if line["equal"] else "不符 different"
        table.add_row(line["business_date"], line["kind"], str(line["our_count"]), str(line["their_count"]), equal)
    console.print(table)
    lines = status["reconciliations"]
    return [("对账一致 · reconciliation is equal", bool(lines) and all(line["equal"] for line in lines))]


def _truth(journey: Journey) -> dict[str, Counter[str]]:
    """Counts by source of what was planted; services and evaluations without those that repeat others."""
    planted: dict[str, Counter[str]] = {}
    seen: set[tuple[str, str]] = set()
    for line in read_truth(journey.var / "sandbox"):
        count = planted.setdefault(line["source"], Counter())
        count[line["verdict"]] += 1
        if line["verdict"] not in ("good", "unrated"):
            continue
        rating = line["evaluation"]
        count["negative"] += bool(rating) and rating["satisfaction"] in NEGATIVE
        count["evaluations"] += bool(rating)
        key = ("service", line["key"])
        count["services"] += key not in seen
        seen.add(key)
    return planted


def _oracle(journey: Journey, name: str) -> dict[str, Any]:
    state = json.loads((journey.var / "sandbox" / "state.json").read_text(encoding="utf-8"))
    desk = Desk(state["doubles"][name]["url"])
    try:
        return desk.oracle()
    finally:
        desk.close()
