"""What must reach the national platform: wire data of docs/sandbox-formats.md section 2, from the truth alone."""

from __future__ import annotations

from datetime import datetime

from sandbox.generator.model import Event, Json

DATA_SOURCE = "151"
HANDLE_ITEM = "01"


def service_key(event: Event) -> str:
    return f"{event.project_no}#{event.service_number}"


def service_data(event: Event) -> Json:
    """The service record's non-empty wire fields."""
    data = {
        "areaCode": event.area_code,
        "deptCode": event.item.dept_code,
        "orgcode": event.item.dept_code,
        "orgName": event.item.dept_name,
        "taskCode": event.item.task_code,
        "taskName": event.item.task_name,
        "taskType": event.item.task_type,
        "projectNo": event.project_no,
        "proStatus": event.status,
        "projectType": event.case_type,
        "proChannel": event.case_channel,
        "userProp": event.applicant.kind,
        "userName": event.applicant.name,
        "userPageType": event.applicant.certificate_type,
        "mobile": event.applicant.mobile,
        "serviceName": event.service_name,
        "serviceNumber": str(event.service_number),
        "serviceTime": wire_time(event.service_time),
        "isService": "1",
        "dataSource": DATA_SOURCE,
    }
    if event.source == "app":
        data["certKey"] = event.applicant.mark
    else:
        data["certKeyGOV"] = event.applicant.certificate
        data["projectName"] = event.project_name
    if event.source == "hotline":
        data["taskHandleItem"] = event.item.task_code + HANDLE_ITEM
    else:
        data["applydate"] = wire_time(event.apply_time)
    if event.source == "portal" and event.promise_day is not None and event.promise_unit is not None:
        data["promiseDay"] = str(event.promise_day)
        data["promiseType"] = event.promise_unit
    if event.accept_time:
        data["acceptDate"] = wire_time(event.accept_time)
    if event.result_time:
        data["resultDate"] = wire_time(event.result_time)
    return data


def evaluation_data(event: Event) -> Json | None:
    """The evaluation's non-empty wire fields, if there is an evaluation."""
    opinion = event.opinion
    if opinion is None:
        return None
    data = {
        "projectNo": event.project_no,
        "serviceNumber": str(event.service_number),
        "assessNumber": str(opinion.round),
        "satisfaction": str(opinion.satisfaction),
        "pf": opinion.channel,
        "assessTime": wire_time(opinion.at),
        "isdefault": "1" if opinion.is_default else "0",
        "appStatus": "1",
        "effectivEvalua": "1",
        "flag": "I",
    }
    if opinion.indicators:
        data["evalDetail"] = ",".join(sorted(opinion.indicators))
    if opinion.text:
        data["writingEvaluation"] = opinion.text
    if opinion.anonymous is not None:
        data["anonymityFlag"] = "1" if opinion.anonymous else "2"
    if opinion.public is not None:
        data["publicFlag"] = "1" if opinion.public else "2"
    return data


def wire_time(moment: datetime) -> str:
    """``yyyy-MM-dd HH:mm:ss``."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")
