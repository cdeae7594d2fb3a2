"""The generator: repeatable, honest about itself, and wrong in every way that it promises."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from sandbox.checkdigit import credit_code, is_credit_code, organization_code, person_number
from sandbox.generator.comments import MIDDLING, NEGATIVE, POSITIVE
from sandbox.generator.files import kiosk_csv
from sandbox.generator.mistakes import MISTAKES
from sandbox.generator.model import SHANGHAI, SOURCES
from sandbox.generator.stream import Sent, share_out, stream
from sandbox.items import build_items, read_items, read_published

BASE = datetime(2026, 11, 20, 12, tzinfo=SHANGHAI)
RECORDS = 3000


def make(records: int = RECORDS, seed: int = 7) -> dict[str, list[Sent]]:
    items = read_items()
    return {source: stream(source, count, seed, BASE, items) for source, count in share_out(records).items()}


@pytest.fixture(scope="module")
def town() -> dict[str, list[Sent]]:
    return make()


@pytest.fixture(scope="module")
def truth(town: dict[str, list[Sent]]) -> list[dict[str, Any]]:
    return [piece.truth for pieces in town.values() for piece in pieces]


def test_same_seed_same_stream() -> None:
    assert make(400, 3) == make(400, 3)
    assert make(400, 3) != make(400, 4)


def test_shares_of_sources_and_verdicts(town: dict[str, list[Sent]], truth: list[dict[str, Any]]) -> None:
    assert {source: len(town[source]) for source in SOURCES} == {
        "portal": 1200,
        "app": 900,
        "kiosk": 600,
        "hotline": 300,
    }
    verdicts = Counter(line["verdict"] for line in truth)
    assert 0.03 < verdicts["wrong"] / RECORDS < 0.07
    assert 0.02 < verdicts["unrated"] / RECORDS < 0.07
    assert 0.003 < verdicts["duplicate"] / RECORDS < 0.02
    levels = [line["evaluation"]["satisfaction"] for line in truth if line["verdict"] == "good"]
    assert 0.05 < sum(level in "12" for level in levels) / len(levels) < 0.11


def test_every_kind_of_mistake_is_planted(truth: list[dict[str, Any]]) -> None:
    planted = {tuple(line["codes"]) for line in truth if line["verdict"] == "wrong"}
    assert planted == {mistake.codes for mistake in MISTAKES}
    assert any(len(codes) == 2 for codes in planted)
    assert all(not line["codes"] for line in truth if line["verdict"] != "wrong")


def test_every_source_is_wrong_in_its_own_words(town: dict[str, list[Sent]]) -> None:
    for source, pieces in town.items():
        assert {piece.truth["source"] for piece in pieces} == {f"{source}_guangan"}
        assert any(piece.truth["verdict"] == "wrong" for piece in pieces)


def test_identities_of_right_records_check_out(truth: list[dict[str, Any]]) -> None:
    for line in truth:
        service = line["service"]
        if not service:
            continue
        assert is_credit_code(service["deptCode"])
        assert is_credit_code(service["taskCode"][:18])
        number = service.get("certKeyGOV")
        if number and service["userPageType"] == "111":
            assert person_number(number[:17]) == number
            assert int(number[6:10]) < 1910
        elif number:
            assert credit_code(number[:17]) == number


def test_times_of_right_records_are_in_order(truth: list[dict[str, Any]]) -> None:
    for line in truth:
        service, evaluation = line["service"], line["evaluation"]
        if not service:
            continue
        chain = [service.get(name) for name in ("applydate", "acceptDate", "resultDate")]
        known = [moment for moment in chain if moment]
        assert known == sorted(known)
        assert ("acceptDate" in service) == (service["proStatus"] != "1")
        assert ("resultDate" in service) == (service["proStatus"] == "3")
        if evaluation:
            assert service["serviceTime"] <= evaluation["assessTime"] <= BASE.strftime("%Y-%m-%d %H:%M:%S")


def test_right_evaluations_obey_the_rules(truth: list[dict[str, Any]]) -> None:
    for line in truth:
        evaluation = line["evaluation"]
        if evaluation is None:
            continue
        codes = [code for code in evaluation.get("evalDetail", "").split(",") if code]
        assert codes == sorted(set(codes))
        assert all(code[0] == evaluation["satisfaction"] for code in codes)
        assert codes or evaluation.get("writingEvaluation") or evaluation["satisfaction"] not in "12"
        assert len(evaluation.get("writingEvaluation", "")) <= 150


def test_keys_are_unique_but_for_repeats_and_second_opinions(truth: list[dict[str, Any]]) -> None:
    first = [
        line["key"]
        for line in truth
        if line["verdict"] in ("good", "unrated") and (line["evaluation"] or {}).get("assessNumber", "1") == "1"
    ]
    assert len(first) == len(set(first))
    services = {line["key"]: line["service"] for line in truth if line["verdict"] in ("good", "unrated")}
    for line in truth:
        if line["verdict"] == "duplicate":
            assert line["service"] == services[line["key"]]


def test_duplicates_come_both_byte_equal_and_under_a_new_id(town: dict[str, list[Sent]]) -> None:
    ids = Counter(piece.truth["upstream_id"] for piece in town["portal"])
    repeats = [piece for piece in town["portal"] if piece.truth["verdict"] == "duplicate"]
    assert {ids[piece.truth["upstream_id"]] for piece in repeats} == {1, 2}


def test_comments_are_many_and_carry_odd_characters() -> None:
    sentences = [*POSITIVE, *MIDDLING, *NEGATIVE]
    assert len(set(sentences)) == len(sentences) >= 80
    for odd in ("👍", "䶮", "㐂", "“", '"', "↵", "<", "="):
        assert any(odd in sentence for sentence in sentences), odd


def test_kiosk_file_is_gb18030_with_compact_times(town: dict[str, list[Sent]]) -> None:
    body = kiosk_csv([piece.record for piece in town["kiosk"]])
    lines = body.decode("gb18030").split("\r\n")
    assert lines[0].startswith("流水号,设备编号,设备类型")
    assert lines[-1] == ""
    assert re.search(r",2026\d{10},", lines[1])


def test_item_master_is_what_the_published_list_makes_of_it() -> None:
    items = build_items(read_published())
    assert items == read_items()
    assert len({item.task_code for item in items}) == len(items) == 620
    form = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}[1-7]\d{12}")
    assert all(form.fullmatch(item.task_code) and is_credit_code(item.dept_code) for item in items)
    assert len({item.dept_code for item in items}) == 33


def test_check_digits_of_the_standards() -> None:
    assert credit_code("11110000000021135") == "11110000000021135M"
    assert credit_code("11440232MB2D06811") == "11440232MB2D06811W"
    assert organization_code("00002113") == "000021135"
    assert organization_code("MB2D0681") == "MB2D06811"
    assert person_number("11010519491231002") == "11010519491231002X"
