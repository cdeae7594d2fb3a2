"""Records in wire form, invented."""

from __future__ import annotations

from typing import Any

from tests.integration.sandbox_platform.sealing import canonical

TASK = "11360102MB99901A2T4000117051000"
REGION = "360102000000"


def record(kind: str, key: str, data: dict[str, Any], version: Any = 1) -> bytes:
    return canonical(
        {"data": {k: v for k, v in data.items() if v is not None}, "key": key, "kind": kind, "version": version}
    )


def service_data(number: int = 1, **other: Any) -> dict[str, Any]:
    return {
        "areaCode": REGION,
        "deptCode": "11360102MB99901A2T",
        "orgcode": "11360102MB99901A2T",
        "orgName": "区行政审批局",
        "taskCode": TASK,
        "taskName": "食品经营许可（新办）",
        "taskType": "01",
        "projectNo": f"P{number:06d}",
        "proStatus": "3",
        "projectType": "2",
        "proChannel": "2",
        "userProp": "1",
        "userName": "张示例",
        "userPageType": "111",
        "certKeyGOV": "360102190001100012",
        "mobile": "13800138000",
        "serviceName": "窗口申请",
        "serviceNumber": "1",
        "serviceTime": "2026-10-20 10:05:00",
        "acceptDate": "2026-10-20 09:45:00",
        "resultDate": "2026-10-20 10:00:00",
        "dataSource": "136",
        **other,
    }


def service(number: int = 1, version: Any = 1, **other: Any) -> bytes:
    return record("service", f"P{number:06d}#1", service_data(number, **other), version)


def evaluation(number: int = 1, version: Any = 1, **other: Any) -> bytes:
    data = {
        "projectNo": f"P{number:06d}",
        "serviceNumber": "1",
        "assessNumber": "1",
        "satisfaction": "2",
        "pf": "4",
        "evalDetail": "212",
        "writingEvaluation": "等了很久 😀",
        "assessTime": "2026-10-27 10:20:00",
        "isdefault": "0",
        "flag": "I",
        **other,
    }
    return record("evaluation", f"P{number:06d}#1#1", data, version)


def rectification(number: int = 1, version: Any = 1, **other: Any) -> bytes:
    data = {
        "projectNo": f"P{number:06d}",
        "serviceNumber": "1",
        "assessNumber": "1",
        "cycle": "1",
        "workOrderNo": "GD2026102800001",
        "deptCode": "11360102MB99901A2T",
        "deptName": "区行政审批局",
        "orderStatus": "20",
        "dueTime": "2026-11-12 18:00:00",
        "dueRule": "JX-15D-2026.1",
        "appStatus": "1",
        "flag": "U",
        **other,
    }
    return record("rectification", f"P{number:06d}#1#1#1", data, version)
