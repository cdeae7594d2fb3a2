"""How long Airflow takes to parse the DAG of every source file: ``python -m bench.dags [files]``, 300 by default.

A project home with so many source files is made in a temporary folder; the clock runs over ``dags/pull.py`` alone, as
the DAG processor runs it, without Airflow's own import.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from bench.machine import machine

ROOT = Path(__file__).resolve().parents[1]
RUNS = 3


def main() -> None:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with tempfile.TemporaryDirectory(prefix="gw-bench-dags-") as folder:
        home = Path(folder)
        _furnish(home, wanted)
        os.environ |= {
            "GW_HOME": folder,
            "AIRFLOW_HOME": str(home / "airflow"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        }
        from airflow.dag_processing.dagbag import DagBag

        seconds = []
        for _ in range(RUNS):
            begun = time.perf_counter()
            bag = DagBag(str(home / "dags"))
            seconds.append(time.perf_counter() - begun)
        about = machine(None)
        print(f"{len(bag.dags)} DAGs from {wanted} source files, errors: {len(bag.import_errors)}")
        print(f"seconds: {', '.join(f'{one:.2f}' for one in seconds)} on {about['cores']} × {about['processor']}")


def _furnish(home: Path, wanted: int) -> None:
    region = home / "mappings" / "511602"
    region.mkdir(parents=True)
    (home / "dags").mkdir()
    shutil.copyfile(ROOT / "dags" / "pull.py", home / "dags" / "pull.py")
    texts = [(ROOT / "mappings" / "511602" / f"{name}.yaml").read_text("utf-8") for name in ("portal", "kiosk", "app")]
    for number in range(wanted):
        text = texts[number % len(texts)]
        head, _, rest = text.partition("\nsource: ")
        named = f"{head}\nsource: county_{number:04}\n{rest.partition(chr(10))[2]}"
        (region / f"county_{number:04}.yaml").write_text(named, encoding="utf-8")


if __name__ == "__main__":
    main()
