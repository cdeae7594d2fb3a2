"""Make ``region.csv`` from an unpacked npm ``@vant/area-data`` (MIT) and the rows known by hand.

    npm pack @vant/area-data && tar xzf vant-area-data-*.tgz
    python -m schemas.make_regions package/dist/index.js schemas/data/region.csv

Placeholders of statistical lists (市辖区, 省直辖县, development zones 71-79) and the county codes that the package
invents for towns of cities without counties are left out. Hong Kong, Macao and Taiwan stand as provinces.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

COUNTYLESS = ("4419", "4420", "4604", "6202")  # 东莞 中山 儋州 嘉峪关
PLACEHOLDER_NAMES = frozenset({"市辖区", "县", "省直辖县", "自治区直辖县级行政区划"})
UNDER_PROVINCE = ("4190", "4290", "4690", "6590")
MUNICIPALITIES = ("11", "12", "31", "50")
OVERSEAS = ("71", "81", "82")
NOTE = "# @vant/area-data 2.1.0, MIT, (c) Youzan and contributors; rows marked 'hand' are this project's"


class Row(NamedTuple):
    code: str
    name: str
    parent: str
    level: str  # 1 province, 2 prefecture, 3 county
    valid_from: str
    valid_to: str
    replaced_by: str
    source: str


HAND = {  # dates of effect and successors, by the notices of the Ministry of Civil Affairs
    "330114": {"name": "钱塘区", "valid_from": "2021-04-09"},
    "540481": {"name": "米林市", "valid_from": "2023-03-24"},
    "659012": {"name": "白杨市", "valid_from": "2023-01-18"},
    "653228": {"name": "和康县", "valid_from": "2024-12-27"},
    "653229": {"name": "和安县", "valid_from": "2024-12-27"},
}
ABOLISHED = {
    "330103": ("下城区", "2021-04-09", "330105"),
    "330104": ("江干区", "2021-04-09", "330102"),
    "540422": ("米林县", "2023-03-24", "540481"),
    "370882": ("兖州市", "2013-10-20", "370812"),
}


def _lists(script: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name in ("province_list", "city_list", "county_list"):
        block = re.search(name + r"\s*:\s*\{(.*?)\}", script, re.DOTALL)
        if block is None:
            raise ValueError(f"{name} is not in the script")
        pairs = re.findall(r"(\d{6})['\"]?\s*:\s*(\"[^\"]+\")", block.group(1))
        found[name] = {code: json.loads(quoted) for code, quoted in pairs}
    return found


def _wanted(code: str, name: str) -> bool:
    if name in PLACEHOLDER_NAMES or code.startswith(OVERSEAS):
        return False
    if code.endswith("00"):
        return not code.startswith(MUNICIPALITIES)
    return not code.startswith(COUNTYLESS) and code[4] != "7"


def _parent(code: str) -> str:
    if code.endswith("0000"):
        return ""
    direct = code.startswith((*UNDER_PROVINCE, *MUNICIPALITIES)) or code.endswith("00")
    return (code[:2] if direct else code[:4]).ljust(12, "0")


def rows(script: str) -> list[Row]:
    """All regions, by code."""
    lists = _lists(script)
    made = {code: Row(code, name, "", "1", "", "", "", "vant") for code, name in lists["province_list"].items()}
    for level, name_of_list in (("2", "city_list"), ("3", "county_list")):
        for code, name in lists[name_of_list].items():
            if _wanted(code, name):
                made[code] = Row(code, name, _parent(code), level, "", "", "", "vant")
    for code, known in HAND.items():
        made[code] = made.get(code, Row(code, "", _parent(code), "3", "", "", "", "hand"))._replace(
            **known, source="hand"
        )
    for code, (name, ended, successor) in ABOLISHED.items():
        made[code] = Row(code, name, _parent(code), "3", "", ended, successor.ljust(12, "0"), "hand")
    return [row._replace(code=row.code.ljust(12, "0")) for _, row in sorted(made.items())]


def main(script: Path, target: Path) -> None:
    with target.open("w", encoding="utf-8", newline="") as file:
        file.write(NOTE + "\n")
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Row._fields)
        writer.writerows(rows(script.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
