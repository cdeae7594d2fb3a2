"""The records of the trap town in the order of sending, each with its truth: good, wrong, repeated, corrected."""

from __future__ import annotations

import copy
import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from sandbox.generator.traps.dialects import DIALECTS
from sandbox.generator.traps.mistakes import plant
from sandbox.generator.traps.truth import Truth, draw_truth, moment

SHARES = {
    "trap_gbt": 0.26,
    "trap_window": 0.18,
    "trap_insurance": 0.18,
    "trap_statistics": 0.18,
    "trap_cases": 0.1,
    "trap_ratings": 0.1,
}
WRONG, AGAIN, CHANGED = 0.12, 0.02, 0.03
JSON, CSV = "application/json", "text/csv; charset=gbk"


class Sent(NamedTuple):
    raw: dict[str, Any]
    truth: Truth


def town(records: int, seed: int) -> dict[str, list[Sent]]:
    """What each source sends, together exactly ``records``; cases come before the evaluations that belong to them."""
    counts = {source: int(records * share) for source, share in SHARES.items()}
    counts["trap_gbt"] += records - sum(counts.values())
    sent: dict[str, list[Sent]] = {}
    for source, count in counts.items():
        draw = Random(f"{seed}/{source}")
        truths = _rated(sent["trap_cases"], draw) if source == "trap_ratings" else _drawn(source, draw)
        sent[source] = list(islice(_pieces(source, truths, draw), count))
    return sent


def page(source: str, sent: list[Sent]) -> tuple[bytes, str]:
    """Body and media type of a page."""
    if source != "trap_window":
        return json.dumps([piece.raw for piece in sent], ensure_ascii=False).encode(), JSON
    out = io.StringIO()
    writer = csv.DictWriter(out, list(sent[0].raw))
    writer.writeheader()
    writer.writerows(piece.raw for piece in sent)
    return out.getvalue().encode("gb18030"), CSV


def _drawn(source: str, draw: Random) -> Iterator[Truth]:
    number = 0
    while True:
        number += 1
        yield draw_truth(draw, source.upper().replace("_", "-"), number)


def _rated(cases: list[Sent], draw: Random) -> Iterator[Truth]:
    """Evaluations of cases that were kept; a case may have a first one and a second one, given an hour later. Where the
    first was spoilt, the second is the only one that there is.
    """
    firsts: list[Truth] = []
    for case in [piece.truth for piece in cases if piece.truth.state == "stored" and piece.truth.evaluation]:
        firsts.append(_another(case, "1", later=False))
        yield firsts[-1]
    for first in firsts:
        yield _another(first, "2" if first.state == "stored" else "1", later=True)


def _another(of: Truth, number: str, *, later: bool) -> Truth:
    truth = Truth(copy.deepcopy(of.service), copy.deepcopy(of.evaluation), of.item)
    said = truth.opinion
    said["assess_number"] = number
    if later:
        said["assess_time"] = moment(datetime.fromisoformat(said["assess_time"]) + timedelta(hours=1))
    return truth


def _pieces(source: str, truths: Iterator[Truth], draw: Random) -> Iterator[Sent]:
    write = DIALECTS[source]
    for truth in truths:
        raw = write(truth, draw)
        if draw.random() < WRONG:
            plant(source, raw, truth, draw)
            yield Sent(raw, truth)
            continue
        yield Sent(raw, truth)
        chance = draw.random()
        if chance < AGAIN:
            yield Sent(copy.deepcopy(raw), Truth(truth.service, truth.evaluation, truth.item, state="duplicate"))
        elif source == "trap_statistics" and chance < AGAIN + CHANGED:
            yield _changed(raw, truth, draw)


def _changed(raw: dict[str, Any], truth: Truth, draw: Random) -> Sent:
    """The same service event with another name: a new version when marked as a correction, else a conflict."""
    raw, later = copy.deepcopy(raw), copy.deepcopy(truth)
    raw["bjmc"] = later.service["project_name"] = "更正后的名称"
    later.corrects = draw.random() < 0.5
    raw["flag"] = "U" if later.corrects else "I"
    if not later.corrects:
        later.state, later.errors = "quarantined", {("record.conflict", "project_no")}
        return Sent(raw, later)
    said = later.evaluation
    if said is not None and said["satisfaction"] in "345" and said["is_default"] == "0":
        said["satisfaction"] = str(raw["sprz"] + 1) if raw["sprz"] < 5 else "4"
        raw["sprz"] = int(said["satisfaction"])
        said.pop("indicators", None)
        raw["zb"] = []
        later.warnings.append("evaluation.satisfaction_changed")
    return Sent(raw, later)
