"""The truth in each source's tongue: the raw records of docs/sandbox-formats.md.

Kiosk rows keep times as date-times: a csv and an xlsx file write them differently.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sandbox.generator.indicators import NAMES
from sandbox.generator.model import Event, Json, Opinion
from sandbox.generator.wire import HANDLE_ITEM, wire_time

GBT_39046_KINDS = {"1": "1", "2": "2", "3": "3", "4": "4", "6": "5", "9": "6"}
STATUS_TEXTS = {"1": "待受理", "2": "已受理", "3": "已办结"}
CASE_TYPE_TEXTS = {"1": "即办件", "2": "承诺件"}
KIND_TEXTS = {"1": "个人", "2": "企业"}
CERTIFICATE_TEXTS = {"111": "身份证", "001": "统一社会信用代码"}
DEVICE_TEXTS = {"4": "平板", "5": "自助机"}
THREE_LEVELS = {4: "满意", 3: "一般", 2: "不满意"}
UNRATED_TEXT = "未评价"
FIVE_LEVELS = {5: "非常满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "非常不满意"}
# sent with blanks around or in lower case, by the last digit of the mobile number: normalising must undo it
PADDED_NAME, LOWER_CASE_CHECK = "7", "3"


def portal(event: Event) -> Json:
    return {
        "id": event.upstream_id,
        "updatedAt": wire_time(event.sent_at),
        "correction": False,
        "case": {
            "projectNo": event.project_no,
            "projectName": event.project_name,
            "taskCode": event.item.source_code,
            "areaCode": event.area_code,
            "deptCode": event.item.dept_code,
            "orgName": event.item.dept_name,
            "status": event.status,
            "caseType": event.case_type,
            "channel": event.case_channel,
            "promiseDay": event.promise_day,
            "promiseUnit": event.promise_unit,
            "applyDate": wire_time(event.apply_time),
            "acceptDate": wire_time(event.accept_time) if event.accept_time else None,
            "resultDate": wire_time(event.result_time) if event.result_time else None,
        },
        "service": {
            "number": event.service_number,
            "name": event.service_name,
            "time": wire_time(event.service_time),
        },
        "applicant": {
            "name": _sent_name(event),
            "type": event.applicant.kind,
            "certType": event.applicant.certificate_type,
            "certNo": _sent_certificate(event),
            "mobile": event.applicant.mobile,
        },
        "evaluation": _portal_evaluation(event.opinion) if event.opinion else None,
    }


def _portal_evaluation(opinion: Opinion) -> Json:
    return {
        "satisfaction": str(opinion.satisfaction),
        "pf": opinion.channel,
        "indicators": list(opinion.indicators),
        "text": opinion.text or None,
        "time": wire_time(opinion.at),
        "anonymous": "1" if opinion.anonymous else "2",
        "public": "1" if opinion.public else "2",
        "isDefault": "1" if opinion.is_default else "0",
        "round": opinion.round,
    }


def app(event: Event) -> Json:
    opinion = event.opinion
    return {
        "evalId": event.upstream_id,
        "projectNo": event.project_no,
        "matterName": event.item.task_name,
        "taskCode": event.item.source_code,
        "area": event.area_code[:6],
        "deptCode": event.item.dept_code,
        "deptName": event.item.dept_name,
        "proState": event.status,
        "handleKind": event.case_type,
        "userName": event.applicant.name,
        "userKind": GBT_39046_KINDS[event.applicant.kind],
        "mark": event.applicant.mark,
        "phone": event.applicant.mobile,
        "serviceName": event.service_name,
        "serviceNo": event.service_number,
        "serviceAt": milliseconds(event.service_time),
        "applyAt": milliseconds(event.apply_time),
        "acceptAt": milliseconds(event.accept_time),
        "finishAt": milliseconds(event.result_time),
        "grade": 6 - opinion.satisfaction if opinion else 0,
        "reasons": ("|".join(opinion.indicators) or None) if opinion else None,
        "comment": (opinion.text or None) if opinion else None,
        "assessedAt": milliseconds(opinion.at) if opinion else None,
        "hideName": "1" if opinion and opinion.anonymous else "0",
        "open": "1" if opinion and opinion.public else "0",
        "auto": int(bool(opinion and opinion.is_default)),
        "round": opinion.round if opinion else 1,
    }


def kiosk(event: Event) -> Json:
    opinion = event.opinion
    channel = opinion.channel if opinion else "4"
    return {
        "流水号": event.upstream_id,
        "设备编号": f"GA-{'PB' if channel == '4' else 'ZZ'}-{int(event.upstream_id[-4:]) % 60 + 1:03}",
        "设备类型": DEVICE_TEXTS[channel],
        "区划": event.area_code[:9],
        "部门编码": event.item.dept_code,
        "部门名称": event.item.dept_name,
        "事项编码": event.item.task_code,
        "事项名称": event.item.task_name,
        "办件编号": event.project_no,
        "办件名称": event.project_name,
        "办件状态": STATUS_TEXTS[event.status],
        "办件类型": CASE_TYPE_TEXTS[event.case_type],
        "申请人": _sent_name(event),
        "申请人类型": KIND_TEXTS[event.applicant.kind],
        "证件类型": CERTIFICATE_TEXTS[event.applicant.certificate_type],
        "证件号码": _sent_certificate(event),
        "手机号": event.applicant.mobile,
        "服务名称": event.service_name,
        "服务次数": event.service_number,
        "服务时间": event.service_time,
        "申请时间": event.apply_time,
        "受理时间": event.accept_time,
        "办结时间": event.result_time,
        "评价": THREE_LEVELS[opinion.satisfaction] if opinion else UNRATED_TEXT,
        "评价内容": ";".join(NAMES[code] for code in opinion.indicators) if opinion else "",
        "文字评价": opinion.text if opinion else "",
        "评价时间": opinion.at if opinion else None,
    }


def hotline(event: Event) -> Json:
    opinion = event.opinion
    return {
        "ratingId": event.upstream_id,
        "updatedAt": offset_time(event.sent_at),
        "projectNo": event.project_no,
        "projectName": event.project_name,
        "taskCode": event.item.task_code + HANDLE_ITEM,
        "areaCode": event.area_code,
        "deptCode": event.item.dept_code,
        "deptName": event.item.dept_name,
        "status": STATUS_TEXTS[event.status],
        "caseType": event.case_type,
        "callerName": event.applicant.name,
        "callerType": event.applicant.kind,
        "certNo": event.applicant.certificate,
        "mobile": event.applicant.mobile,
        "serviceName": event.service_name,
        "serviceNumber": str(event.service_number),
        "serviceTime": offset_time(event.service_time),
        "acceptTime": offset_time(event.accept_time) if event.accept_time else "",
        "finishTime": offset_time(event.result_time) if event.result_time else "",
        "satisfaction": FIVE_LEVELS[opinion.satisfaction] if opinion else "",
        "indicators": ",".join(opinion.indicators) if opinion else "",
        "text": opinion.text if opinion else "",
        "ratingTime": offset_time(opinion.at) if opinion else "",
    }


RENDERERS: dict[str, Callable[[Event], Json]] = {"portal": portal, "app": app, "kiosk": kiosk, "hotline": hotline}


def milliseconds(moment: datetime | None) -> int | None:
    """Epoch milliseconds."""
    return int(moment.timestamp()) * 1000 if moment else None


def offset_time(moment: datetime) -> str:
    """``yyyy-MM-ddTHH:mm:ss+08:00``."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S+08:00")


def _sent_name(event: Event) -> str:
    name = event.applicant.name
    return f" {name} " if event.applicant.mobile.endswith(PADDED_NAME) else name


def _sent_certificate(event: Event) -> str:
    number = event.applicant.certificate
    return number.lower() if event.applicant.mobile.endswith(LOWER_CASE_CHECK) else number
