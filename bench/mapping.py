"""How fast map-and-validate is, beside orjson parsing the same bytes: ``python -m bench.mapping [records]``.

On varied records of the portal's form (invented here, so that the bench needs neither the sandbox nor a server), page
by page. ``quick`` is the usual way, ``general`` the way of unusual records; both include validation, all cross-field
rules and check digits, and make a service and an evaluation of each record. Left out: decompression and the database.
"""

from __future__ import annotations

import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from bench.meter import fastest
from gateway.mapping import Masters, compile_mapping, load_masters, load_source
from schemas.masters import Item

MAPPINGS = Path(__file__).resolve().parents[1] / "mappings"
RECEIVED = datetime(2026, 12, 1, tzinfo=UTC)
PAGE = 100
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


def main(count: int) -> None:
    masters: Masters = load_masters(MAPPINGS)
    source = load_source(MAPPINGS / "511602" / "portal.yaml")
    mapping, checking = compile_mapping(source, masters), compile_mapping(source, masters, writes=False)
    draw = random.Random(1)
    items = sorted({item.task_code: item for item in masters.items["511602"].values()}.values())
    records = [record(number, draw, items) for number in range(count)]
    pages = [orjson.dumps({"data": {"list": records[at : at + PAGE]}}) for at in range(0, count, PAGE)]
    del records
    said = mapping.page(mapping.decode(pages[0], "application/json"), RECEIVED)
    if any(len(one.entries) != 2 for one in said):
        raise SystemExit("the bench's own records are not clean")

    def parse(page: bytes) -> None:
        orjson.loads(page)

    def mapped(page: bytes) -> None:
        checking.page(checking.decode(page, "application/json"), RECEIVED)

    def written(page: bytes) -> None:
        mapping.page(mapping.decode(page, "application/json"), RECEIVED)

    def general(page: bytes) -> None:
        for item in mapping.decode(page, "application/json"):
            mapping.examine(item, "2026-12-01 08:05:00")

    parsing, *taken = (cost / count for cost in fastest(pages, parse, mapped, written, general))
    size = sum(map(len, pages)) / count
    print(f"{count} records of {size:.0f} bytes, pages of {PAGE}, Python {sys.version.split()[0]}, one CPU")
    print(f"{'step, alone':34}{'records/CPU-s':>15}{'µs/record':>12}{'÷ orjson parse':>16}")
    names = ("map and validate (quick)", "map, validate, texts, digests", "map and validate (general)")
    for name, cost in zip(("orjson parse", *names), (parsing, *(each - parsing for each in taken)), strict=True):
        print(f"{name:34}{1 / cost:15,.0f}{cost * 1e6:12.2f}{parsing / cost:16.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
