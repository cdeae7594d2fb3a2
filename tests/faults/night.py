"""``make night``: an operator's night (值班一夜), played with real processes and told from what they printed.

The platform is away for hours, its certificate expires, one record spoils its batch, keys are wrong, the disk is full.
Whoever is on duty has the commands of ``gw`` and nothing else. Time is scaled: every process and every double is told
what time it is. The story goes into 《上报运维手册》 between two marks; a test of the suite plays it as well.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from gateway.crypto.keys import KeyFolder
from sandbox.certificates import Authority
from sandbox.generator.model import SHANGHAI
from sandbox.wire import Wire, running_wire
from tests.deployment import ROOT, Deployment, deployment
from tests.faults.disks import Disk, full_disk
from tests.faults.forked import begin, end
from tests.faults.invariants import violations
from tests.faults.portions import Portions

GUIDE = ROOT / "docs" / "上报运维手册.md"
MARKS = ("<!-- 一夜：以下由 make night 写成 -->", "<!-- 一夜：完 -->")
DONE, PARTLY, REFUSED, MISCONFIGURED, AWAY = 0, 3, 4, 5, 6
SEED, BATCH_RECORDS = 20261122, 40
EVENING = time(20, 0)
PATIENT = {"GW_RETRY_BASE_SECONDS": "60", "GW_LEASE_SECONDS": "60", "COLUMNS": "108"}
PORTIONS = 10  # that appear in the course of the night
MOST_LINES = 14  # of one answer in the story
TARGET = "national"


class Night:
    """One deployment, the hour that it is, and the story so far."""

    def __init__(self, town: Deployment, portions: Portions, wire: Wire, authority: Authority, disk: Disk) -> None:
        self.town, self.wire, self.authority, self.disk = town, wire, authority, disk
        self.story: list[str] = []
        self._portions = portions
        self._evening = datetime.combine(datetime.now(SHANGHAI).date() + timedelta(days=1), EVENING, SHANGHAI)
        self._shift = 0.0

    def tell(self, words: str) -> None:
        """A paragraph, or a heading."""
        self.story += ["", words]

    def at(self, hour: int, minute: int = 0) -> None:
        """It is that time, in the evening or, below twelve, in the morning after; the doubles are told so."""
        day = self._evening.replace(hour=hour, minute=minute) + timedelta(days=hour < 12)
        self._shift = (day - datetime.now(SHANGHAI)).total_seconds()
        for name in ("national", "hotline"):
            if self.town.sandbox.doubles[name].process.poll() is None:
                self.town.sandbox.desks[name].post("/sandbox/clock", {"shift": self._shift})

    def arrive(self) -> None:
        """New ratings appear at the sources."""
        self._portions.show(self.town)

    def gw(
        self, *command: str, code: int | tuple[int, ...] = DONE, told: str = "", quiet: bool = False, tail: bool = False
    ) -> str:
        """Type a command; it must end with ``code``, or one of them, and say ``told``. What it printed.

        ``quiet``: not in the story; ``tail``: of a long answer its end is shown, not its beginning.
        """
        ended, said = self._typed(*command)
        assert ended in (code if isinstance(code, tuple) else (code,)), (
            f"gw {' '.join(command)} ended with {ended}, not {code}:\n{said}"
        )
        assert told in said, f"gw {' '.join(command)} does not say {told!r}:\n{said}"
        if not quiet:
            self._show(command, said, tail=tail)
        return said

    def cycle(self) -> None:
        """What Airflow does beside the operator: a whole cycle, which the story passes over."""
        ended, said = self._typed("run")
        assert ended in (DONE, PARTLY), said

    def figures(self) -> dict[str, Any]:
        """The totals of ``gw status``."""
        _, said = self._typed("status", "--json")
        found: dict[str, Any] = json.loads(said)["totals"]
        return found

    def _typed(self, *command: str) -> tuple[int, str]:
        """How it ended, and what it printed."""
        log = self.town.var.parent / "said.log"  # not on the disk that fills up
        log.unlink(missing_ok=True)
        ended = end(begin(self.town, *command, shift=self._shift, log=log, breaking=self.disk.in_process))
        return ended, log.read_text(encoding="utf-8")

    def _show(self, command: tuple[str, ...], said: str, *, tail: bool) -> None:
        typed = " ".join(f'"{word}"' if re.search(r"\s|，|。|；", word) else word for word in command)
        place = str(self.town.var)
        typed, said = (text.replace(place, "/srv/gateway/var") for text in (typed, said))
        lines = [line.rstrip() for line in said.splitlines()]
        while lines and not lines[0]:
            lines.pop(0)
        if len(lines) > MOST_LINES:
            lines = ["…", *lines[1 - MOST_LINES :]] if tail else [*lines[: MOST_LINES - 1], "…"]
        block = ["```console", f"$ gw {typed}", *lines, "```"]
        if self.story[-1:] == ["```"]:  # the same block goes on
            self.story[-1:] = block[1:]
        else:
            self.story += ["", *block]


def away_for_hours(night: Night) -> None:
    night.tell("### 20:30　平台停了")
    night.at(20, 30)
    night.town.sandbox.kill("national")
    night.wire.shut()
    night.arrive()
    night.cycle()
    night.tell("国家平台没有预告就停了。值班人先试连，再看要不要动手：")
    night.gw("target", "ping", TARGET, code=AWAY, told="net.connect_refused")
    night.gw("push", code=PARTLY, told="待重试")
    night.tell("不必做什么：批次存在库里，到时自动再试，间隔翻倍；来源照采，工单照派。三小时里看过三次，23:00 是这样：")
    for hour, minute in ((21, 0), (22, 0), (23, 0)):
        night.at(hour, minute)
        night.arrive()
        night.cycle()
    night.gw("status", code=PARTLY, told="net.connect_refused", tail=True)
    assert night.town.count("SELECT MAX(attempts) FROM batch") < 10, "the breaker keeps attempts few"
    waiting = night.figures()["unsent"]
    assert waiting > 0
    night.tell("23:30 平台恢复。先试连，再上报；断线前可能已发出的，网关自己先问后发：")
    night.town.sandbox.restart("national")
    night.wire.open()
    night.at(23, 30)
    night.gw("target", "ping", TARGET, told="应答正常")
    night.gw("push", told="已确认")
    assert night.figures()["unsent"] == 0
    night.tell(f"积压的 {waiting} 条全部送达，每条一次。停机期间没有人动过一个批次。")


def certificate_expired(night: Night) -> None:
    night.tell("### 00:30　平台的证书过期")
    night.at(0, 30)
    night.wire.certificate = night.authority.issue("expired", until=datetime.now(SHANGHAI) - timedelta(hours=1))
    night.arrive()
    night.cycle()
    night.gw("target", "list", told="net.tls_expired")
    night.gw("target", "ping", TARGET, code=MISCONFIGURED, told="证书已过期")
    night.tell("证书错了就不发，一个字节也没有出去，也不耗重试次数。打电话给平台；01:10 对方换好证书：")
    night.at(1, 10)
    night.wire.certificate = night.authority.issue("renewed")
    night.gw("target", "ping", TARGET, told="应答正常")
    night.gw("target", "resume", TARGET, "--reason", "平台已换证书，电话核实", told="已恢复")
    night.gw("push", told="已确认")
    assert night.figures()["unsent"] == 0


def one_poison_record(night: Night) -> None:
    night.tell("### 02:00　一条记录让整批被拒")
    night.at(2, 0)
    night.arrive()
    night.gw("pull", quiet=True)
    key, project = night.town.rows(
        "SELECT record_key, record_key FROM ledger_record l WHERE kind = 'service' AND NOT EXISTS"
        " (SELECT 1 FROM batch_record r WHERE r.position = l.position) ORDER BY position"
    )[3]
    poison = {"fault": "poison", "key": key, "code": "batch.malformed", "times": None}
    night.town.sandbox.desks["national"].post("/sandbox/faults", poison)
    night.tell("平台新上的校验不认某条记录，整批退回。网关自动对半拆报，直到坏的那条单独留下：")
    night.gw("push", code=PARTLY, told="拒收")
    night.gw("quarantine", "list", told="batch.malformed")
    listed = night.gw("quarantine", "list", "--code", "batch.malformed")
    (one,) = re.findall(r"[0-9a-f]{32}:\d+", listed)
    night.gw("quarantine", "show", one, told="原话")
    night.tell("同批的其他记录都已送达，坏的只有这一条。平台承认是自己校验有误，03:10 改好；先演练，再放行：")
    night.at(3, 10)
    night.town.sandbox.desks["national"].mend()
    night.at(3, 10)
    night.gw("quarantine", "replay", "--code", "batch.malformed", told="1 条将通过")
    reason = ("--reason", "平台 03:10 已修复校验")
    night.gw("quarantine", "replay", "--code", "batch.malformed", "--yes", *reason)
    night.gw("push", told="已确认")
    assert project.partition("#")[0] in {effect["data"]["projectNo"] for effect in night.town.effects("service")}


def wrong_keys(night: Night) -> None:
    night.tell("### 04:00　两把不对的钥匙")
    night.at(4, 0)
    night.town.sandbox.desks["national"].post("/sandbox/keys", {"alg": "SGD_SM3_SM2"})
    night.arrive()
    night.cycle()
    night.tell("平台连夜换了签名密钥，没有通知。回执用没登记过的密钥签名，网关不认，也不当作送达：")
    night.gw("target", "list", told="receipt.key_unknown")
    night.gw("target", "keys", "fetch", code=DONE)
    night.tell("`fetch` 只看差异，不改动。按通讯录上的电话（不是邮件里的）与平台核对指纹，一致，才启用：")
    night.gw("target", "keys", "apply", "--reason", "与平台值班电话核对指纹一致")
    night.gw("target", "resume", TARGET, "--reason", "已登记平台新签名密钥")
    night.gw("push", told="已确认")
    night.tell("04:40 轮到自己：按计划换我方签名密钥，却忘了先让平台登记。")
    night.at(4, 40)
    night.gw("keys", "new", "signature", "--reason", "年度换钥")
    night.gw("keys", "rotate", "signature", "--reason", "年度换钥")
    night.arrive()
    night.cycle()
    night.gw("target", "list", told="batch.signature")
    night.tell("导出公钥，请平台登记；登记好了再恢复。封好的批次不重封，字节不变：")
    night.gw("keys", "export", "--to", str(night.town.var / "registry"))
    night.gw("target", "resume", TARGET, "--reason", "平台已登记新公钥", told="已恢复")
    night.gw("push", told="已确认")
    assert night.figures()["unsent"] == 0


def disk_full(night: Night) -> None:
    night.tell("### 05:30　磁盘满了")
    night.at(5, 30)
    night.arrive()
    night.disk.fill(night)
    night.tell(night.disk.cause)
    # normalising may have had nothing to write, and then only the pull failed
    night.gw("pull", "portal_guangan", code=(AWAY, PARTLY), told="store.full")
    night.disk.look(night)
    night.tell(
        "写不下的事务整个回滚，游标不动，没有半页、半批。清出空间（不要动 `gateway.db*` 和 `keys/`），不必补命令："
    )
    night.disk.clear()
    night.at(5, 50)
    night.gw("pull", told="落地")
    night.gw("push", told="上报 national")
    assert night.figures()["unsent"] == 0


SCENES: dict[str, Callable[[Night], None]] = {
    "the platform is away for hours": away_for_hours,
    "its certificate expires": certificate_expired,
    "one record spoils its batch": one_poison_record,
    "keys are wrong": wrong_keys,
    "the disk is full": disk_full,
}


def played(night: Night) -> None:
    """The whole night, and the morning after."""
    night.at(20, 0)
    night.arrive()
    night.cycle()
    for scene in SCENES.values():
        scene(night)
    night.tell("### 06:30　交班")
    night.at(6, 30)
    night.gw("reconcile", told="批次对平")
    night.gw("audit", "list")
    night.tell("一夜五样事，动过的只有上面这些命令，每条都有原因在审计里。")
    settled(night)


def settled(night: Night) -> None:
    """Nothing lost, nothing twice, nothing waits for a machine."""
    town, totals = night.town, night.figures()
    assert (totals["unsent"], totals["batches_failed"], totals["batches_waiting"]) == (0, 0, 0), totals
    broken = violations(town)
    assert broken == {}, broken
    for kind in ("service", "evaluation"):
        ours = {key for (key,) in town.rows("SELECT DISTINCT record_key FROM ledger_record WHERE kind = :k", k=kind)}
        effects = town.effects(kind)
        assert {effect["key"] for effect in effects} == ours
        assert {effect["times"] for effect in effects} == {1}
    assert {order["created"] for order in town.orders().values()} <= {1}


@contextmanager
def a_night(var: Path, records: int, disk: Disk) -> Iterator[Night]:
    """A deployment before it begins; the platform is reached by TLS."""
    base = datetime.now(SHANGHAI).replace(microsecond=0)
    portions = Portions(var, records=records, seed=SEED, base=base, number=PORTIONS)
    own = {"records": records, "seed": SEED, "base": base, "batch_records": BATCH_RECORDS, "registry": var / "registry"}
    authority = Authority(var / "tls")
    with deployment(var, **own) as town:  # type: ignore[arg-type]
        national = town.sandbox.doubles["national"]
        with running_wire(national.host, national.port, authority.issue("first")) as wire:
            through = {**town.sandbox.connections["national"], "host": "127.0.0.1", "port": wire.port}
            through |= {"schema": "https", "extra": {"ca": str(authority.file)}}
            hosts = [f"{one['host']}:{one['port']}" for one in town.sandbox.connections.values()]
            town.more.update(PATIENT, GW_CONN_NATIONAL=json.dumps(through), USER="wang", LOGNAME="wang")
            town.more["GW_ALLOWED_HOSTS"] = ",".join([*hosts, f"127.0.0.1:{wire.port}"])
            assert KeyFolder(var / "keys").signer
            yield Night(town, portions, wire, authority, disk)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.night", description=__doc__)
    parser.add_argument("--records", type=int, default=900)
    parser.add_argument("--write", action="store_true", help=f"into {GUIDE.name}")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gateway-night-")))
        disk = stack.enter_context(full_disk(folder))
        night = stack.enter_context(a_night(disk.place, given.records, disk))
        try:
            played(night)
        finally:
            print("\n".join(night.story).strip())
    if given.write:
        _write("\n".join(night.story).strip())
    return 0


def _write(story: str) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    GUIDE.write_text(f"{before}{MARKS[0]}\n\n{story}\n\n{MARKS[1]}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
