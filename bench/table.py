"""Medians of the runs, and the table that is printed."""

from __future__ import annotations

from statistics import median
from typing import Any

Runs = list[dict[str, Any]]

PATH = ("pull", "normalise", "push")
STAGES = {
    "pull": "pull and land",
    "normalise": "normalise (decode, map, validate, store)",
    "push": "push (seal, store, send, receipt)",
    "reconcile": "reconcile",
    "path": "whole path (pull + normalise + push)",
    "again": "the same day pulled again",
}
PARTS = {
    "orjson": "orjson parse of the same pages",
    "map": "map and validate",
    "entries": "map, validate, texts and SM3 digests",
    "seal": "seal in batches (gzip, SM4-GCM, SM2)",
}
MAPPING = ("map", "entries")
LEFT_OUT = (
    "Left out: the doubles' own CPU, interpreter start and imports, making tables and keys, compiling the mapping, "
    "network latency (loopback), dispatch to 12345. CPU of kernel threads (journal, flush) is in none of the figures. "
    "PostgreSQL's autovacuum is off: it comes once a minute, and whichever stage it meets would pay for all tables."
)


def figures(runs: dict[str, Runs]) -> dict[str, Any]:
    """For each database: medians of cost in seconds, of records a second, and of the ratio to COPY."""
    copies = [_row_cost(run) for run in runs.get("postgresql", [])]
    return {"databases": {name: _of(name, of_one, copies) for name, of_one in runs.items()}}


def _row_cost(run: dict[str, Any]) -> float:
    """CPU seconds a row of the baseline."""
    return _cpu(run["costs"]["baseline"]) / int(run["counts"]["rows"])


def _cpu(cost: dict[str, float]) -> float:
    return cost["client"] + cost["database"]


def _of(name: str, runs: Runs, copies: list[float]) -> dict[str, Any]:
    for run in runs:
        run["costs"]["path"] = {
            what: sum(run["costs"][stage][what] for stage in PATH) for what in ("wall", "client", "database")
        }
    counts = runs[0]["counts"]
    own = name == "postgresql"
    lines = {key: _line([run["costs"][key] for run in runs], counts["landed"]) for key in STAGES}
    for key, line in lines.items():
        row_costs = [_row_cost(run) for run in runs] if own else [median(copies)] * len(runs) if copies else []
        line["to_copy"] = [
            cost * run["counts"]["rows"] / _cpu(run["costs"][key]) for cost, run in zip(row_costs, runs, strict=False)
        ]
        if not own:
            line["to_executemany"] = [_cpu(run["costs"]["baseline"]) / _cpu(run["costs"][key]) for run in runs]
    return {
        "runs": len(runs),
        "counts": counts,
        "lines": lines,
        "parts": {key: _part([_alone(run["costs"], key) for run in runs]) for key in PARTS},
        "baseline": _line([run["costs"]["baseline"] for run in runs], counts["rows"]),
        "memory": max(run["memory"] for run in runs),
    }


def _line(costs: list[dict[str, float]], records: int) -> dict[str, Any]:
    cpu = sorted(map(_cpu, costs))
    wall = median(cost["wall"] for cost in costs)
    return {
        "wall": wall,
        "client": median(cost["client"] for cost in costs),
        "database": median(cost["database"] for cost in costs),
        "cpu": cpu,
        "per_second": records / wall,
        "per_cpu_second": records / median(cpu),
    }


def _alone(costs: dict[str, dict[str, float]], key: str) -> dict[str, float]:
    """A part's own cost: what maps has parsed before."""
    cost = costs[key]
    return {**cost, "client": cost["client"] - costs["orjson"]["client"]} if key in MAPPING else cost


def _part(costs: list[dict[str, float]]) -> dict[str, float]:
    used = median(map(_cpu, costs))
    return {"cpu": used, "per_cpu_second": costs[0]["records"] / used}


def table(found: dict[str, Any]) -> str:
    """The figures for a reader."""
    about = found["machine"]
    lines = [
        f"{about['records']:,} records of the sandbox's portal (nested JSON, mean {about['record_bytes']} bytes;",
        f"5 % wrong, 1 % repeated, 4 % unrated), pages of 500; ledger before: {about['held']:,} rows",
        f"{about['processor']}, {about['cores']} cores; Python {about['python']}, SQLite {about['sqlite']},",
        f"PostgreSQL {about['postgresql'] or '–'}; durable commits (fsync on, synchronous FULL)",
    ]
    if found["absent"]:
        lines.append(f"THE POSTGRESQL PART DID NOT RUN: {found['absent']}")
    for name, one in found["databases"].items():
        lines += ["", *_database(name, one, bool(about["postgresql"]))]
    return "\n".join([*lines, "", LEFT_OUT])


def _database(name: str, one: dict[str, Any], copied: bool) -> list[str]:
    counts, own = one["counts"], name == "postgresql"
    baseline = "COPY" if own or copied else "executemany"
    key = "to_copy" if baseline == "COPY" else "to_executemany"
    lines = [
        f"{name}: medians of {one['runs']} runs; {counts['landed']:,} landed = {counts['stored']:,} stored +",
        f"{counts['quarantined']:,} quarantined + {counts['duplicate']:,} duplicate",
        f"{counts['rows']:,} rows written to the ledger, {counts['batches']} batches",
        f"{'':42}{'records/s':>11}{'records/CPU-s':>15}{'client s':>10}{'database s':>12}{'÷ ' + baseline:>14}  spread",
    ]
    for stage, title in STAGES.items():
        line = one["lines"][stage]
        ratios = sorted(line[key])
        lines.append(
            f"{title:42}{line['per_second']:11,.0f}{line['per_cpu_second']:15,.0f}{line['client']:10.2f}"
            f"{line['database']:12.2f}{median(ratios):14.3f}   {ratios[0]:.3f}–{ratios[-1]:.3f}"
        )
    base = one["baseline"]
    title = f"{'plain COPY' if own else 'executemany'} of the rows (rows/s)"
    lines.append(
        f"{title:42}{base['per_second']:11,.0f}{base['per_cpu_second']:15,.0f}{base['client']:10.2f}"
        f"{base['database']:12.2f}{1 if own or baseline == 'executemany' else '–':>14}"
    )
    lines += [_part_line(part, one["parts"]) for part in PARTS]
    if not own:
        ratios = sorted(one["lines"]["path"]["to_executemany"])
        lines.append(f"  whole path ÷ executemany into a table with a primary key: {median(ratios):.3f}")
    again = f"rows written by the second pull: {counts['written_again']}"
    return [*lines, f"  peak memory of the client {one['memory'] / 2**20:.0f} MiB; {again}"]


def _part_line(part: str, costs: dict[str, dict[str, float]]) -> str:
    ratio = costs[part]["per_cpu_second"] / costs["orjson"]["per_cpu_second"]
    shown = f"{ratio:8.2f} ÷ orjson parse" if part in MAPPING else ""
    return f"  alone: {PARTS[part]:44}{costs[part]['per_cpu_second']:15,.0f}{shown}"
