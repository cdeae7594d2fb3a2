"""What every connector must do, whatever its transport. A new kind adds a rig and passes unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import connectors
from gateway.errors import Misconfigured, Transient
from gateway.settings import Connection
from schemas.source import SourceFile
from tests.contract.database_rig import ByFlagRig, ByIdRig, DatabaseRig, database_source
from tests.contract.ftp_rig import FtpRig, FtpsRig
from tests.contract.hotline_rigs import OURS, HotlineRig, OrdersRig, StringsRig
from tests.contract.proof import proved
from tests.contract.rigs import (
    PAGE,
    AppRig,
    FilesRig,
    HttpRig,
    Landing,
    PortalRig,
    Rig,
    SftpRig,
    connector,
    record,
    source_file,
)
from tests.contract.web_rigs import WEB_RIGS, PagedRig

RIGS: dict[str, type[Any]] = {
    "portal": PortalRig,
    "app": AppRig,
    "soap_strings": StringsRig,
    "hotline": HotlineRig,
    "hotline_orders": OrdersRig,
    "sftp": SftpRig,
    "ftp": FtpRig,
    "ftps": FtpsRig,
    "local": FilesRig,
    "table by time": DatabaseRig,
    "table by id": ByIdRig,
    "table by flag": ByFlagRig,
    **WEB_RIGS,
}
FILES = ["sftp", "ftp", "ftps", "local"]
TABLES = ["table by time", "table by id", "table by flag"]
KINDS = {
    **{name: name.partition("_")[0] if name.startswith(("soap", "hotline")) else "rest" for name in RIGS},
    **dict.fromkeys(FILES, "sftp_files"),
    **dict.fromkeys(TABLES, "database"),
}
REMOTE = [name for name in RIGS if name not in ("local", *TABLES)]
WEBS = [name for name, kind in KINDS.items() if kind in ("rest", "soap", "hotline")]
SINCE = ["portal", "hotline", "hotline_orders", "soap_strings", "soap_json", "soap_rpc"]  # ordered by time of change
TIMED = [name for name in WEBS if name not in ("app", "whole")]  # know a moment to look back from


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    kind = RIGS[request.param]
    made = kind(tmp_path) if issubclass(kind, FilesRig | DatabaseRig | HotlineRig) else kind()
    yield made
    made.close()


def every(*names: str, proves: str | None = None) -> Any:
    """On the rigs of those names, or on all; ``proves``: the rule of the manifests that the test stands for."""
    rigs = names or tuple(RIGS)
    if proves is not None:
        proved({KINDS[name] for name in rigs}, proves)
    return pytest.mark.parametrize("rig", rigs, indirect=True)


TEN = [record(number) for number in range(10)]
NAMES = [each["id"] for each in TEN]


@every(proves="connection_test")
def test_check_finds_all_well_and_takes_nothing(rig: Rig) -> None:
    rig.add(*TEN)
    for _ in range(2):
        findings = connectors.check(rig.source, rig.connection(), "127.0.0.1")
        assert all(finding.ok for finding in findings), findings
        assert len(findings) > 1
    assert Landing(rig).pull() > 0


@every()
def test_pages_bring_every_record_oldest_first(rig: Rig) -> None:
    rig.add(*TEN)
    landing = Landing(rig)
    landing.pull()
    assert list(dict.fromkeys(landing.ids)) == NAMES


@every(proves="resumes")
@pytest.mark.parametrize("tell", [True, False], ids=["told", "killed before landed()"])
def test_a_pull_broken_after_any_page_goes_on_without_loss(rig: Rig, tell: bool) -> None:
    rig.add(*TEN)
    landing = Landing(rig)
    for _ in range(len(TEN)):
        landing.pull(stop_after=1, tell=tell)
        if set(landing.ids) == set(NAMES):
            break
    assert list(dict.fromkeys(landing.ids)) == NAMES


@every(proves="empty")
def test_an_empty_source_yields_nothing(rig: Rig) -> None:
    assert Landing(rig).pull() == 0


@every(proves="nothing_twice")
def test_an_unchanged_source_yields_nothing_new(rig: Rig) -> None:
    rig.add(*TEN)
    landing = Landing(rig)
    assert landing.pull() > 0
    assert [landing.pull(), landing.pull()] == [0, 0]


@every()
def test_what_is_added_later_comes_with_the_next_pull(rig: Rig) -> None:
    rig.add(*TEN[:5])
    landing = Landing(rig)
    landing.pull()
    rig.add(*TEN[5:])
    landing.pull()
    assert set(landing.ids) == set(NAMES)


@every(*REMOTE, proves="wrong_credentials")
def test_wrong_credentials_need_an_operator(rig: Rig) -> None:
    rig.add(*TEN)
    source = connector(rig, password="wrong")
    with pytest.raises(Misconfigured) as refused:
        list(source.pages(None, lambda _: False))
    source.close()
    assert "wrong" not in str(refused.value)
    assert not all(finding.ok for finding in connectors.check(rig.source, rig.connection("wrong"), "127.0.0.1"))


@every(*REMOTE, proves="allow_list")
def test_a_host_that_nobody_named_is_never_called(rig: Rig) -> None:
    with pytest.raises(Misconfigured, match=r"net\.not_allowed"):
        list(connector(rig, hosts="elsewhere").pages(None, lambda _: False))
    assert rig.connections == 0


@pytest.mark.parametrize(
    ("rig", "fault"),
    [(name, fault) for name in REMOTE for fault in sorted(RIGS[name].faults)],
    indirect=["rig"],
)
def test_a_faulty_answer_is_transient_and_what_came_before_it_is_kept(rig: Rig, fault: str) -> None:
    rig.add(*TEN)
    rig.spoil(fault, after=1)
    landing = Landing(rig)
    with pytest.raises(Transient) as failure:
        landing.pull()
    if fault == "throttled":
        assert failure.value.retry_after == 600
    kept = 0 if fault == "garbage" and isinstance(rig, FilesRig) else PAGE
    assert len(landing.ids) in (kept, kept * 2)
    assert landing.ids == NAMES[: len(landing.ids)]


RULE_OF_FAULT = {
    "throttled": "throttled",
    "cut": "cut",
    "html": "garbage",
    "garbage": "garbage",
    "drip": "slow",
    "huge": "huge",
    "deep": "deep",
}
for _fault, _rule in RULE_OF_FAULT.items():
    proved({KINDS[name] for name in REMOTE if _fault in RIGS[name].faults}, _rule)


@every(*WEBS, "sftp", "ftp", "ftps", proves="heals")
def test_after_a_fault_the_next_pull_completes(rig: Rig) -> None:
    rig.add(*TEN)
    rig.spoil("cut", after=1)
    landing = Landing(rig)
    with pytest.raises(Transient):
        landing.pull()
    rig.spoil(None)
    landing.pull()
    assert set(landing.ids) == set(NAMES)


@every(*SINCE)
@pytest.mark.parametrize("count", [PAGE - 1, PAGE, PAGE + 1, 3 * PAGE])
def test_a_moment_with_more_records_than_a_page_is_read_whole(rig: Rig, count: int) -> None:
    rig.add(record(50, second=1), *(record(number, second=7) for number in range(count)), record(60, second=9))
    landing = Landing(rig)
    while landing.pull(stop_after=1):
        pass
    assert set(landing.ids) == {"r050", "r060", *(record(number)["id"] for number in range(count))}
    assert landing.pull() == 0


@every(*TIMED, proves="late")
def test_what_commits_late_with_an_earlier_moment_is_found_and_little_else_comes_again(rig: Rig) -> None:
    rig.add(*(record(number) for number in range(0, 60, 2)))
    landing = Landing(rig)
    landing.pull()
    rig.add(record(31), record(59))
    before = len(landing.ids)
    assert landing.pull() > 0
    assert {"r031", "r059"} <= set(landing.ids)
    assert len(landing.ids) - before <= 60
    assert [landing.pull(), landing.pull()] == [0, 0]


@every("page")
def test_a_total_that_drifts_has_the_span_read_again(rig: PagedRig) -> None:
    rig.add(*TEN)
    landing = Landing(rig)
    landing.pull(stop_after=2)
    rig.records.pop(0)  # it was on the first page: all that follow move up
    rig.add(record(50))
    rig.add(record(51))
    landing.pull()
    assert set(NAMES) | {"r050", "r051"} == set(landing.ids)


@every("page", "offset", "whole")
def test_a_page_that_shifts_while_it_is_read_loses_no_record(rig: HttpRig) -> None:
    rig.add(*TEN)
    landing = Landing(rig)
    landing.pull(stop_after=1)
    rig.records.sort(key=lambda each: (each["id"] != "r009", each["updatedAt"]))  # the last comes first
    landing.pull()
    assert set(landing.ids) == set(NAMES)


@every(*SINCE)
@pytest.mark.parametrize("ties", [False, True], ids=["moments", "one moment"])
def test_records_that_change_during_the_pull_push_no_other_out(rig: Rig, ties: bool) -> None:
    rig.add(*(record(number, second=5 if ties else None) for number in range(10)))
    landing = Landing(rig)
    for step in range(4):
        landing.pull(stop_after=1)
        rig.add(record(step, second=40 + step))
    while landing.pull():
        pass
    assert set(landing.ids) == set(NAMES)


@every("hotline_orders")
def test_orders_that_we_have_raised_stay_with_the_closed_loop(rig: OrdersRig) -> None:
    ours = [record(number) | {"text": OURS} for number in range(10, 10 + PAGE * 2)]
    rig.add(*TEN[:4], *ours, *(record(number) for number in range(30, 34)))
    landing = Landing(rig)
    landing.pull()
    assert list(dict.fromkeys(landing.ids)) == ["r000", "r001", "r002", "r003", "r030", "r031", "r032", "r033"]
    asked = rig.data_requests
    assert landing.pull() == 0
    assert rig.data_requests - asked < 10  # what is left out is passed for good


@every("portal")
def test_an_expired_token_is_renewed_once(rig: PortalRig) -> None:
    rig.add(*TEN)
    source = connector(rig)
    pages = source.pages(None, lambda _: False)
    next(pages)
    rig.token = "t2"
    assert len(list(pages)) >= 3
    assert rig.logins == 2
    source.close()


@every("portal")
def test_a_refused_login_is_not_tried_twice(rig: PortalRig) -> None:
    with pytest.raises(Misconfigured, match=r"rest\.login_refused"):
        list(connector(rig, password="wrong").pages(None, lambda _: False))
    assert rig.logins == 1


@every("portal")
def test_a_source_that_ignores_since_or_order_is_found_out(rig: PortalRig) -> None:
    rig.add(*TEN)
    rig.records.reverse()
    with pytest.raises(Misconfigured, match=r"paging\.unordered"):
        list(connector(rig).pages(None, lambda _: False))


@every("portal")
def test_an_unsuccessful_envelope_yields_nothing(rig: PortalRig, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.contract import rigs

    monkeypatch.setitem(
        rigs.SPOILT, "busy", lambda _: rigs.as_json({"code": 500, "message": "张三 busy", "data": None})
    )
    rig.add(*TEN)
    rig.spoil("busy")
    with pytest.raises(Transient, match=r"rest\.unsuccessful") as failure:
        list(connector(rig).pages(None, lambda _: False))
    assert "张" not in str(failure.value)


FILES_OF_KINDS = [
    *(source_file(name) for name in ("portal", "app", "kiosk", "strings", "hotline")),
    database_source("time"),
    SourceFile.model_validate(
        yaml.safe_load((Path(connectors.__file__).parent / "inbox" / "example.yaml").read_text(encoding="utf-8"))
    ),
]
proved({source.connector for source in FILES_OF_KINDS}, "options_checked")


@pytest.mark.parametrize("source", FILES_OF_KINDS, ids=lambda source: source.source)
def test_the_source_files_are_valid_and_a_typo_is_named(source: SourceFile) -> None:
    connectors.validate(source)
    with pytest.raises(Misconfigured, match=r"connector\.option_invalid") as invalid:
        connectors.validate(source.model_copy(update={"options": {**source.options, "pagesize": 5}}))
    assert invalid.value.params["key"] == "options.pagesize"


def test_an_unknown_kind_names_the_known_ones() -> None:
    source = source_file("portal").model_copy(update={"connector": "telepathy"})
    with pytest.raises(Misconfigured, match=r"connector\.unknown_kind") as unknown:
        connectors.build(source, Connection(), "")
    assert {"database", "hotline", "inbox", "rest", "sftp_files", "soap"} <= set(
        unknown.value.params["known"].split(", ")
    )


@every()
def test_try_shows_the_first_page(rig: Rig) -> None:
    assert connectors.first_page(rig.source, rig.connection(), "127.0.0.1") is None
    rig.add(*TEN)
    page = connectors.first_page(rig.source, rig.connection(), "127.0.0.1")
    assert page is not None
    assert rig.ids(page) == NAMES[:PAGE]
