"""``python -m sandbox.generator --folder DIR --records N --seed S [--base TIME]``."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

from sandbox.generator.files import generate


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox.generator", description="invent the sources' data")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--records", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--base", type=datetime.fromisoformat, help="RFC 3339, latest moment of sending; default: now")
    options = parser.parse_args()
    manifest = generate(options.folder, options.records, options.seed, options.base)
    sys.stdout.write(json.dumps(manifest) + "\n")


if __name__ == "__main__":
    main()
