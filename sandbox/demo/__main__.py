"""``make demo``: the whole way of some thousand records, on real servers, through Airflow, to a table that adds up."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from sandbox.demo.airflow import Airflow, clean_environ
from sandbox.demo.journey import Journey
from sandbox.demo.processes import Processes
from sandbox.demo.progress import Progress
from sandbox.demo.summary import print_summary

PROJECT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--records", type=int, default=5000, help="source records over all four sources")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--once", action="store_true", help="end when the table is printed")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    processes = Processes()
    try:
        return _run(options, processes)
    except KeyboardInterrupt:
        print("\n已停止 / stopped", flush=True)
        return 0 if not options.once else 130
    except RuntimeError as failed:
        print(f"\n失败 / failed: {failed}", file=sys.stderr, flush=True)
        return 1
    finally:
        processes.stop()


def _run(options: argparse.Namespace, processes: Processes) -> int:
    progress = Progress()
    journey = Journey(PROJECT, PROJECT / "var" / "demo", processes, progress)
    journey.prepare(records=options.records, seed=options.seed)
    airflow = Airflow(journey.var / "airflow", PROJECT, {**clean_environ(), **journey.environ}, processes)
    progress.step("准备 Airflow 元数据库 / preparing Airflow's metadata")
    airflow.prepare()
    progress.step("启动 Airflow / starting Airflow (api-server, scheduler, dag-processor, triggerer)")
    airflow.start()
    airflow.wait_until_healthy(300)
    journey.travel(airflow)
    adds_up = print_summary(journey, airflow)
    if options.once or not adds_up:
        return 0 if adds_up else 1
    print("按 Ctrl-C 结束 / Ctrl-C ends it", flush=True)
    while True:
        processes.check_alive()
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
