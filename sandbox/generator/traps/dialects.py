"""How each source of the trap town writes a truth down. A dialect adds the warnings that its way of writing earns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from sandbox.generator.indicators import NAMES
from sandbox.generator.traps.truth import CITY, COUNTY, RETIRED, TOWN, Truth

SHANGHAI = timezone(timedelta(hours=8))
Raw = dict[str, Any]
INVERTED = {"5": 1, "4": 2, "3": 3, "2": 4, "1": 5}
GBT_PROPS = {"1": "1", "2": "2", "3": "3", "4": "4", "6": "5", "9": "6"}
STAGES = {"咨询": "consult", "申报": "apply", "补正": "supplement", "缴费": "pay", "签收": "sign", "办结": "finish"}


def full_width(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


def _at(wire: str | None) -> datetime | None:
    return None if wire is None else datetime.strptime(wire, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI)


def seconds(wire: str | None) -> int | None:
    at = _at(wire)
    return None if at is None else int(at.timestamp())


def milliseconds(wire: str | None) -> int | None:
    count = seconds(wire)
    return None if count is None else count * 1000 + 999


def serial(wire: str | None) -> str:
    at = _at(wire)
    if at is None:
        return ""
    days = at.replace(tzinfo=None) - datetime(1899, 12, 30)  # noqa: DTZ001 - a serial has no zone
    return f"{days.days + days.seconds / 86_400:.9f}"


def compact(draw: Random, wire: str | None) -> str | None:
    if wire is None:
        return None
    day, clock = wire.replace("-", "").replace(":", "").split(" ")
    return draw.choice((f"{day}{clock}", f"{day}T{clock}", wire))


def offset(draw: Random, wire: str | None) -> str | None:
    at = _at(wire)
    if at is None:
        return None
    if draw.random() < 0.5:
        return at.isoformat()
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S") + draw.choice(("Z", ".123Z"))


def _stage(truth: Truth) -> None:
    truth.service["service_stage"] = STAGES.get(truth.service["service_name"], "other")


def _earned(truth: Truth) -> None:
    """Warnings that lie in the truth itself."""
    if truth.service["task_type"] == "99":
        truth.warnings.append("item.type_fallback")
    if truth.item.local_only:
        truth.warnings.append("item.local_only")


def _area(draw: Random, truth: Truth, *forms: int) -> str:
    """The region in one of the lengths that it can have."""
    code: str = truth.service["area_code"]
    width = draw.choice([one for one in forms if set(code[one:]) <= {"0"}])
    if width < 12:
        truth.warnings.append("region.short")
    return code[:width]


def _task(draw: Random, truth: Truth) -> str:
    """The code as published, or with two more characters for the handling item."""
    if draw.random() < 0.3:
        truth.warnings.append("item.code_split")
        truth.service["task_handle_item"] = f"{truth.service['task_code']}{draw.randint(1, 99):02}"
        return str(truth.service["task_handle_item"])
    return truth.item.published


def gbt(truth: Truth, draw: Random) -> Raw:
    """GB/T 39046: 1 is best; applicant types of its own; compact times; item codes of 33 characters; organisation
    codes with their area; regions of 6, 9 and 12 digits, and ``00`` for the city."""
    service, said = truth.service, truth.evaluation
    _stage(truth)
    _earned(truth)
    service["is_service"] = "1"
    service["org_code"] = draw.choice((service["dept_code"], f"{COUNTY}_{service['dept_code']}"))
    raw: Raw = {
        "XZQH": "00" if service["area_code"] == CITY and draw.random() < 0.5 else _area(draw, truth, 6, 9, 12),
        "SLBM": service["dept_code"].lower(),
        "orgcode": service["org_code"],
        "BMMC": f" {service['org_name']} ",
        "SXBM": _task(draw, truth),
        "BJBH": full_width(service["project_no"]) if draw.random() < 0.2 else service["project_no"],
        "BJMC": service.get("project_name", ""),
        "BJZT": int(service["project_status"]),
        "BJLX": {"1": "2", "2": "1"}[service["project_type"]],
        "BJQD": service["project_channel"],
        "SQR": {
            "LX": GBT_PROPS[service["user_prop"]],
            "XM": service["user_name"],
            "ZJLX": service["user_page_type"],
            "Certkeygov": service["cert_key_gov"].lower(),
            "SJ": full_width(service["mobile"]),
        },
        "FWMC": service["service_name"],
        "FWCS": f"{int(service['service_number']):02}",
        "SJLY": service["data_source"],
    }
    if service.get("task_handle_item") is None and draw.random() < 0.5:
        raw["YWBLX"] = service["task_code"]  # the code itself again is no handling item
    for name, theirs in TIMES.items():
        raw[theirs] = compact(draw, service.get(name))
    if draw.random() < 0.2:
        service |= {"promise_day": "20", "promise_type": "1"}
        raw["CN"] = {"TS": "020", "DW": 1}
    if draw.random() < 0.1:
        service["cert_key"] = service["cert_key_gov"]
        raw["SQR"]["certkey"] = service["cert_key"]
        if service["user_page_type"] != "414":
            truth.warnings.append("identity.plain_cert_key")
    if draw.random() < 0.1:
        service["data_source"] = raw["SJLY"] = "165"
        truth.warnings.append("region.source_mismatch")
    if draw.random() < 0.05:
        service["area_code"] = raw["XZQH"] = RETIRED
        truth.warnings[:] = [code for code in truth.warnings if code not in {"region.short", "region.source_mismatch"}]
        truth.warnings += ["region.retired", "region.source_mismatch"]
    raw["PJ"] = None
    if said is None:
        truth.warnings.append("satisfaction.unrated")
        return raw
    raw["PJ"] = {
        "MYD": INVERTED[said["satisfaction"]],
        "QD": {"3": "3", "7": "6"}[said["channel"]],
        "ZB": draw.sample(ticked := said.get("indicators", []), len(ticked)),
        "WZ": f"\u3000{said.get('writing_evaluation', '')} ",
        "SJ": compact(draw, said["assess_time"]),
        "CS": None if said["assess_number"] == "1" else said["assess_number"],
    }
    return raw


TIMES = {"service_time": "FWSJ", "apply_date": "SQSJ", "accept_date": "SLSJ", "result_date": "BJSJ"}


def window(truth: Truth, draw: Random) -> Raw:
    """Button devices of counters, a file in GB18030: 3 is best, 4 is declined; Excel serials; letters for
    certificates; indicators in pairs with the free text behind them."""
    service, said = truth.service, truth.evaluation
    _earned(truth)
    if service["user_prop"] not in {"1", "2"}:
        service["user_prop"] = "2"
    truth.warnings.append("coarse.applicant_type")
    service["service_stage"] = "finish" if service["service_name"] == "办结" else "other"
    row: Raw = {
        "区划": _area(draw, truth, 6, 12),
        "部门": service["dept_code"],
        "部门名称": service["org_name"],
        "事项": truth.item.published,
        "办件编号": service["project_no"],
        "办件名称": service.get("project_name", ""),
        "状态": {"1": "待受理", "2": "已受理", "3": "已办结"}[service["project_status"]],
        "类型": {"1": "即办件", "2": "承诺件"}[service["project_type"]],
        "线上": {"1": "true", "2": "false"}[service["project_channel"]],
        "申请人类型": {"1": "0", "2": "1"}[service["user_prop"]],
        "姓名": service["user_name"],
        "证件": {"111": "SF", "414": "HZ", "001": "JGDM"}[service["user_page_type"]],
        "证件号码": full_width(service["cert_key_gov"]),
        "手机": f"{service['mobile']} ",
        "环节": service["service_name"],
        "次数": full_width(service["service_number"]),
        "代理人": "",
        "代理证件": "",
        "代理号码": "",
        "设备": "",
        "按键": "4",
        "轮次": "",
        "内容": "",
        "评价时间": "",
        **{theirs: serial(service.get(name)) for name, theirs in COLUMNS.items()},
    }
    if draw.random() < 0.15:
        agent = {"handle_user_name": "赵六", "handle_user_page_type": "111"}
        service |= {**agent, "handle_user_page_code": "11010519491231002X"}
        row |= {"代理人": "赵六", "代理证件": "SF", "代理号码": "11010519491231002x"}
    if said is None:
        truth.warnings.append("satisfaction.unrated")
        return row
    texts = [f"{NAMES[code]},{code}" for code in said.get("indicators", [])]
    return row | {
        "设备": {"3": "1", "7": "2"}[said["channel"]],
        "按键": {"5": "3", "4": "2", "3": "1", "2": "0", "1": "5"}[said["satisfaction"]],
        "轮次": said["assess_number"],
        "内容": "|".join([*texts, *([said["writing_evaluation"]] if "writing_evaluation" in said else [])]),
        "评价时间": serial(said["assess_time"]),
    }


COLUMNS = {"service_time": "服务时间", "apply_date": "申请时间", "accept_date": "受理时间", "result_date": "办结时间"}


def insurance(truth: Truth, draw: Random) -> Raw:
    """Social insurance: 0 is best; unit and person swapped; statuses by ranges; milliseconds; codes by bars."""
    service, said = truth.service, truth.evaluation
    _earned(truth)
    if service["user_prop"] not in {"1", "2"}:
        service["user_prop"] = "2"
    truth.warnings.append("coarse.applicant_type")
    service["service_stage"] = draw.choice(("other", "finish"))
    if truth.item.type not in {"20", "99"} and draw.random() < 0.3:
        service["task_type"] = "99"
        truth.warnings.append("item.type_fallback")
    status = {"1": (0, 29), "2": (30, 89), "3": (90, 99)}[service["project_status"]]
    raw: Raw = {
        "area": service["area_code"],
        "unit": {"code": service["dept_code"], "name": service["org_name"]},
        "item": truth.item.published.lower(),
        "kind": service["task_type"] if service["task_type"] != "99" else "42",
        "no": service["project_no"],
        "title": service.get("project_name"),
        "state": draw.randint(*status),
        "promise": service["project_type"],
        "proSource": draw.choice("12345"),
        "online": service["project_channel"] == "1",
        "aaa028": {"1": "2", "2": "1"}[service["user_prop"]],
        "name": service["user_name"],
        "certType": service["user_page_type"],
        "certkeyGOV": service["cert_key_gov"],
        "tel": service["mobile"],
        "node": service["service_name"],
        "stage": {"other": 1, "finish": 2}[service["service_stage"]],
        "n": int(service["service_number"]),
        **{name: milliseconds(service.get(name)) for name in TIMES},
    }
    if service["task_type"] == "20":
        raw["kind"] = draw.choice(("20", "11"))
    if said is None:
        truth.warnings.append("satisfaction.unrated")
        return raw
    raw["evaluatorLevel"] = 5 - int(said["satisfaction"])
    raw["device"] = {"3": "扫码", "7": "短信"}[said["channel"]]
    raw["reasons"] = "|".join(said.get("indicators", []))
    raw["words"] = said.get("writing_evaluation")
    raw["rated"] = str(milliseconds(said["assess_time"]))
    raw["round"] = int(said["assess_number"])
    return raw


def statistics(truth: Truth, draw: Random) -> Raw:
    """A statistics system: 0 is no rating; epoch seconds; raw statuses; defaults told by a flag, kept with their
    origin; 0 as review status; corrections marked."""
    service, said = truth.service, truth.evaluation
    _stage(truth)
    _earned(truth)
    if service["user_prop"] not in {"1", "2"}:
        service["user_prop"] = "9"
    truth.warnings.append("coarse.applicant_type")
    raw: Raw = {
        "flag": "I",
        "qx": _area(draw, truth, 6, 9, 12),
        "dept": service["dept_code"],
        "deptName": service["org_name"],
        "sx": truth.item.published,
        "bjbh": service["project_no"],
        "bjmc": service.get("project_name"),
        "bj_zt": {"1": ["12"], "2": ["20", "21"], "3": ["45"]}[service["project_status"]][-1],
        "bj_lx": service["project_type"],
        "ly": service["project_channel"],
        "sqr": {"1": "20", "2": "10", "9": draw.choice(("30", "88"))}[service["user_prop"]],
        "xm": service["user_name"],
        "zjlx": service["user_page_type"],
        "zjhm": service["cert_key_gov"],
        "dh": service["mobile"],
        "fwmc": service["service_name"],
        "fwcs": service["service_number"],
        **{name: seconds(service.get(name)) for name in TIMES},
        "sprz": 0,
    }
    if said is None:
        truth.warnings.append("satisfaction.unrated")
        return raw
    if draw.random() < 0.2:
        said |= {"is_default": "1", "origin": "default", "satisfaction": "5"}
        said.pop("indicators", None)
    else:
        said["origin"] = draw.choice(("active", "agent_recorded", "unknown"))
    said["review_status"] = draw.choice("23")
    if draw.random() < 0.3:
        del said["review_status"]
    raw |= {
        "sprz": int(said["satisfaction"]),
        "auto": said["is_default"] == "1",
        "who": {"agent_recorded": "话务员", "active": "本人", "default": "系统"}.get(said["origin"]),
        "pf": said["channel"],
        "zb": said.get("indicators"),
        "pjnr": said.get("writing_evaluation"),
        "pjsj": str(seconds(said["assess_time"])),
        "pjcs": said["assess_number"],
        "appStatus": said.get("review_status", "0"),
    }
    return raw


def case(truth: Truth, draw: Random) -> Raw:
    """A feed of cases alone: labels throughout, RFC 3339; which field holds the certificate depends on the way."""
    service = truth.service
    _stage(truth)
    _earned(truth)
    service["mobile"] = f"+86{service['mobile']}"
    if service["project_channel"] == "1":
        del service["cert_key_gov"]
        service["cert_key"] = f"uid:{service['project_no']}"
    if service["area_code"] == TOWN and draw.random() < 0.5:
        truth.warnings.append("region.short")
        area = TOWN[:9]
    else:
        area = service["area_code"]
    return {
        "地区": area,
        "机构": service["dept_code"],
        "事项编码": truth.item.published,
        "编号": service["project_no"],
        "名称": service.get("project_name"),
        "状态": {"1": "待受理", "2": "已受理", "3": "已办结"}[service["project_status"]],
        "件": {"1": "即办", "2": "承诺"}[service["project_type"]],
        "方式": {"1": "网上", "2": "窗口"}[service["project_channel"]],
        "人": {"类": service["user_prop"], "名": service["user_name"], "电话": service["mobile"]},
        "证": {"类": service["user_page_type"], "号": service.get("cert_key_gov", "不应读取")},
        "标识": service.get("cert_key", "不应读取"),
        "服务": service["service_name"],
        "序": service["service_number"],
        **{theirs: offset(draw, service.get(name)) for name, theirs in COLUMNS.items()},
    }


def rating(truth: Truth, draw: Random) -> Raw:
    """A feed of evaluations alone, joined to the cases: three levels by a local decision, reasons by their labels; the
    number of the evaluation repeats that of the service, so that only their order tells the first from the second."""
    said = truth.opinion
    level = {"5": "4", "1": "2"}.get(said["satisfaction"], said["satisfaction"])
    if level != said["satisfaction"]:
        said["satisfaction"] = level
        said.pop("indicators", None)
        said.setdefault("writing_evaluation", "说明")
    labels = [NAMES[code] for code in said.get("indicators", [])]
    if "314" in said.get("indicators", []):
        labels[said["indicators"].index("314")] = "服务态一般"
    said["channel"] = draw.choice("45")
    said["public_flag"] = "2" if draw.random() < 0.5 else "1"
    return {
        "编号": said["project_no"],
        "序": said["service_number"],
        "评": {"4": "满意", "3": "一般", "2": "不满意"}[level],
        "型号": {"4": "平板A", "5": "PJQ"}[said["channel"]],
        "原因": "；".join(labels),
        "话": said.get("writing_evaluation"),
        "时": offset(draw, said["assess_time"]),
        "次": said["service_number"],
        "公开": {"1": "是", "2": "否"}[said["public_flag"]],
    }


DIALECTS: dict[str, Callable[[Truth, Random], Raw]] = {
    "trap_gbt": gbt,
    "trap_window": window,
    "trap_insurance": insurance,
    "trap_statistics": statistics,
    "trap_cases": case,
    "trap_ratings": rating,
}
