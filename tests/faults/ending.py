"""How a town ends: all that must be the same, whenever and however often its gateway was killed on the way."""

from __future__ import annotations

from typing import Any

from tests.deployment import Deployment

OF_THE_RUN = frozenset(  # what a rectification says of the run that brought it
    {"workOrderNo", "dispatchTime", "signTime", "dueTime", "feedbackTime", "revisitTime"}
)


def ended(town: Deployment) -> dict[str, Any]:
    """All that must not depend on when a cycle was killed."""
    columns = "kind, record_key, version, digest, content"
    records = f"SELECT {columns} FROM ledger_record WHERE kind <> 'rectification' ORDER BY 1, 2, 3"
    closed = "SELECT record_key, version, parent_key FROM ledger_record WHERE kind = 'rectification' ORDER BY 1, 2"
    refused = "quarantine q JOIN quarantine_problem p ON p.page_id = q.page_id AND p.page_index = q.page_index"
    problems = f"SELECT source_id, code, COUNT(*) FROM {refused} GROUP BY 1, 2 ORDER BY 1, 2"
    pages = "SELECT source_id, SUM(stored), SUM(quarantined), SUM(unrated) FROM raw_page GROUP BY 1 ORDER BY 1"
    return {
        "ledger": town.rows(records),
        "rectifications": town.rows(closed),
        "quarantine": town.rows(problems),
        "counted pages": [(row[0], count) for row in town.rows(pages) for count in row[1:]],
        "orders": town.rows("SELECT external_id, evaluation_key, cycle, state FROM work_order ORDER BY 1"),
        "orders at 12345": sorted((key, order["created"], order["status"]) for key, order in town.orders().items()),
        **{f"{kind}s at the platform": _effects(town, kind) for kind in ("service", "evaluation", "rectification")},
    }


def _effects(town: Deployment, kind: str) -> list[Any]:
    """Key, version, times applied, data."""
    found = []
    for effect in town.effects(kind):
        data = {name: value for name, value in effect["data"].items() if name not in OF_THE_RUN}
        found.append(
            (effect["key"], effect["version"], effect["times"], data if kind == "rectification" else effect["data"])
        )
    return sorted(found, key=lambda line: line[:2])
