"""The item master (事项清单): published, dirty codes → 31-character 实施编码.

``python -m sandbox.items`` writes ``mappings/511602/items.csv`` from ``sandbox/data/service_items.csv``. Same input,
same output: codes that the published list does not give are derived from a digest, never drawn.

The 31 characters follow records.md section 6.4: credit code of the department (18), level ``4`` (county), scope ``51``,
task type (2), 8 digits derived from the published code.
"""

from __future__ import annotations

import argparse
import csv
import re
import unicodedata
from collections import defaultdict
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from sandbox.checkdigit import credit_code, is_credit_code, is_organization_code, organization_code

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = ROOT / "sandbox" / "data" / "service_items.csv"
MASTER = ROOT / "mappings" / "511602" / "items.csv"
LEVEL = "4"
SCOPE = "51"
DISTRICT = "511602"


class Item(NamedTuple):
    """One row of the item master, columns as in docs/sandbox-formats.md."""

    source_code: str
    task_code: str
    task_name: str
    task_type: str
    level: str
    dept_code: str
    dept_name: str
    area_code: str


def read_published(path: Path = PUBLISHED) -> list[dict[str, str]]:
    """Rows of the published list, as they are."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def build_items(rows: list[dict[str, str]]) -> list[Item]:
    """The item master of the published ``rows``, in their order."""
    departments = department_codes(rows)
    taken: set[str] = set()
    items = []
    for row in rows:
        task_type = row["task_type"].zfill(2)
        prefix = departments[row["department"]] + LEVEL + SCOPE + task_type
        items.append(
            Item(
                source_code=row["item_code"],
                task_code=_free_code(prefix, row["item_code"], taken),
                task_name=_name(row["name"]),
                task_type=task_type,
                level=LEVEL,
                dept_code=departments[row["department"]],
                dept_name=_name(row["department"]),
                area_code=row["area_code"],
            )
        )
    return items


def department_codes(rows: list[dict[str, str]]) -> dict[str, str]:
    """A valid and unique credit code for each department: published, inside its item codes, or derived."""
    published: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        inside = re.findall(r"(?<![0-9A-Z])[0-9A-Z]{18}(?![0-9A-Z])", row["item_code"])
        published[row["department"]] += [row["dept_code"].upper(), *inside]
    codes: dict[str, str] = {}
    for department, seen in published.items():
        choices = sorted(set(seen), key=lambda code: (-seen.count(code), code))
        valid = [code for code in choices if is_credit_code(code)]
        bare = [code.replace("-", "") for code in choices]
        built = [credit_code("11" + DISTRICT + code) for code in bare if is_organization_code(code)]
        invented = [credit_code("11" + DISTRICT + organization_code(f"MB{_digits(department, 6)}"))]
        codes[department] = next(code for code in valid + built + invented if code not in codes.values())
    return codes


def read_items(path: Path = MASTER) -> list[Item]:
    """The item master as written."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Item(**row) for row in csv.DictReader(file)]


def write_items(items: list[Item], path: Path = MASTER) -> None:
    """Write the master as UTF-8 CSV with a heading and LF."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Item._fields)
        writer.writerows(items)


def _free_code(prefix: str, published: str, taken: set[str]) -> str:
    attempt = 0
    while (code := prefix + _digits(f"{published}#{attempt}", 8)) in taken:
        attempt += 1
    taken.add(code)
    return code


def _digits(text: str, count: int) -> str:
    return str(int.from_bytes(sha256(text.encode()).digest()[:8], "big"))[-count:].zfill(count)


def _name(text: str) -> str:
    """NFKC and trimmed, as names stand in canonical records, so that master and record agree."""
    return unicodedata.normalize("NFKC", text).strip()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.items", description="write the sandbox's item master")
    parser.add_argument("--output", type=Path, default=MASTER)
    write_items(build_items(read_published()), parser.parse_args().output)


if __name__ == "__main__":
    main()
