"""Where each source keeps what, so that a mistake can be described once."""

from __future__ import annotations

from typing import Any

from sandbox.generator.model import Json

# what: portal, app, kiosk, hotline; a dot goes one level down
_TABLE = """
project_no      case.projectNo            projectNo    办件编号    projectNo
item            case.taskCode             taskCode     事项编码    taskCode
area            case.areaCode             area         区划        areaCode
department      case.deptCode             deptCode     部门编码    deptCode
department_name case.orgName              deptName     部门名称    deptName
status          case.status               proState     办件状态    status
case_type       case.caseType             handleKind   办件类型    caseType
apply_time      case.applyDate            applyAt      申请时间    -
accept_time     case.acceptDate           acceptAt     受理时间    acceptTime
result_time     case.resultDate           finishAt     办结时间    finishTime
service_number  service.number            serviceNo    服务次数    serviceNumber
service_name    service.name              serviceName  服务名称    serviceName
service_time    service.time              serviceAt    服务时间    serviceTime
applicant       applicant.name            userName     申请人      callerName
applicant_kind  applicant.type            userKind     申请人类型  callerType
certificate     applicant.certNo          mark         证件号码    certNo
mobile          applicant.mobile          phone        手机号      mobile
satisfaction    evaluation.satisfaction   grade        评价        satisfaction
indicators      evaluation.indicators     reasons      评价内容    indicators
text            evaluation.text           comment      文字评价    text
assess_time     evaluation.time           assessedAt   评价时间    ratingTime
device          -                         -            设备类型    -
"""
_SOURCES = ("portal", "app", "kiosk", "hotline")
_ROWS = [line.split() for line in _TABLE.strip().splitlines()]
PATHS: dict[tuple[str, str], tuple[str, ...]] = {
    (source, row[0]): tuple(place.split("."))
    for row in _ROWS
    for source, place in zip(_SOURCES, row[1:], strict=True)
    if place != "-"
}


def put(record: Json, source: str, field: str, value: Any) -> None:
    """Set ``field`` of a raw record of ``source``."""
    *above, last = PATHS[source, field]
    for name in above:
        record = record[name]
    if last not in record:
        raise KeyError(last)
    record[last] = value
