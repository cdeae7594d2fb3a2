"""How fast map-and-validate is, beside orjson parsing the same bytes: ``python -m bench.mapping [records]``.

Prints medians of several runs, in records per CPU-second, on varied records of the portal's form (invented here, so
that the bench needs neither the sandbox nor a server). ``quick`` is the usual way, ``general`` the way of unusual
records; both include validation, all cross-field rules and check digits, and make a service and an evaluation of each
record. Left out: decompression, the database, canonical bytes and digests.
"""

from __future__ import annotations

import gc
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import orjson

from gateway.mapping import Masters, compile_mapping, load_masters, load_source
from schemas.masters import Item

MAPPINGS = Path(__file__).resolve().parents[1] / "mappings"
RECEIVED = datetime(2026, 12, 1, tzinfo=UTC)
PAGE = 500
RUNS = 7
SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
REASONS = {"5": ("510", "511", "513", "517"), "4": ("410", "411"), "3": ("310",), "2": ("210", "211"), "1": ("110",)}


def record(number: int, draw: random.Random, items: list[Item]) -> dict[str, Any]:
    """One clean record with an evaluation, different from its neighbours wherever real ones differ."""
    item = draw.choice(items)
    day = draw.randrange(1, 28)
    born = f"{draw.randrange(1880, 1909)}{draw.randrange(1, 13):02}{draw.randrange(1, 28):02}"
    identity = f"511602{born}{draw.randrange(1000):03}"
    check = "10X98765432"[sum(int(digit) * weight for digit, weight in zip(identity, WEIGHTS, strict=True)) % 11]
    satisfaction = draw.choice("555554443321")
    clock = f"{draw.randrange(60):02}:{draw.randrange(60):02}"
    return {
        "id": f"WT{number:09}",
        "updatedAt": f"2026-11-{day:02} 18:00:00",
        "correction": False,
        "case": {
            "projectNo": f"GAWT202611{day:02}{number:08}",
            "projectName": f"关于{item.task_name}的申请",
            "taskCode": item.source_code,
            "areaCode": "511602000000",
            "deptCode": item.dept_code,
            "orgName": item.dept_name,
            "status": "3",
            "caseType": draw.choice("12"),
            "channel": draw.choice("12"),
            "promiseDay": draw.randrange(1, 20),
            "promiseUnit": "1",
            "applyDate": f"2026-11-{day:02} 08:{clock}",
            "acceptDate": f"2026-11-{day:02} 09:{clock}",
            "resultDate": f"2026-11-{day:02} 10:{clock}",
        },
        "service": {"number": 1, "name": draw.choice(("咨询", "申报", "办结")), "time": f"2026-11-{day:02} 11:{clock}"},
        "applicant": {
            "name": draw.choice(SURNAMES) + draw.choice("伟芳娜敏静强磊军洋勇") + draw.choice("伟芳娜敏静强磊军洋勇"),
            "type": "1",
            "certType": "111",
            "certNo": identity + check,
            "mobile": f"199{draw.randrange(10**8):08}",
        },
        "evaluation": {
            "satisfaction": satisfaction,
            "pf": draw.choice("12"),
            "indicators": sorted(draw.sample(REASONS[satisfaction], 1)),
            "text": draw.choice(
                ("", "服务态度很好，一次就办完了", "等候时间太长，希望多开几个窗口", "流程清楚，工作人员耐心")
            ),
            "time": f"2026-11-{day:02} 12:{clock}",
            "anonymous": draw.choice("12"),
            "public": "1",
            "isDefault": "0",
            "round": 1,
        },
    }


def seconds(work: Callable[[], object]) -> float:
    """Median CPU seconds of several runs."""
    taken = []
    for _ in range(RUNS):
        gc.collect()
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return median(taken)


def main(count: int) -> None:
    masters: Masters = load_masters(MAPPINGS)
    mapping = compile_mapping(load_source(MAPPINGS / "511602" / "portal.yaml"), masters)
    draw = random.Random(1)
    items = sorted({item.task_code: item for item in masters.items["511602"].values()}.values())
    records = [record(number, draw, items) for number in range(count)]
    pages = [orjson.dumps({"data": {"list": records[at : at + PAGE]}}) for at in range(0, count, PAGE)]
    del records
    said = [mapping.entries(item, RECEIVED) for item in mapping.decode(pages[0], "application/json")]
    if any(len(one.entries) != 2 for one in said):
        raise SystemExit("the bench's own records are not clean")

    def parse() -> None:
        for page in pages:
            orjson.loads(page)

    def mapped() -> None:
        for page in pages:
            for item in mapping.decode(page, "application/json"):
                mapping.entries(item, RECEIVED)

    def general() -> None:
        for page in pages[: max(1, len(pages) // 10)]:
            for item in mapping.decode(page, "application/json"):
                mapping.examine(item, "2026-12-01 08:05:00")

    parsing, mapping_all = seconds(parse), seconds(mapped)
    slow = seconds(general) * len(pages) / max(1, len(pages) // 10)
    size = sum(map(len, pages)) / count
    print(f"{count} records of {size:.0f} bytes, pages of {PAGE}, Python {sys.version.split()[0]}, one CPU")
    print(f"{'step':34}{'records/CPU-s':>15}{'µs/record':>12}{'÷ orjson parse':>16}")
    for name, taken in (
        ("orjson parse alone", parsing),
        ("parse, map and validate (quick)", mapping_all),
        ("map and validate alone (quick)", mapping_all - parsing),
        ("parse, map and validate (general)", slow),
    ):
        print(f"{name:34}{count / taken:15,.0f}{taken / count * 1e6:12.2f}{parsing / taken:16.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
