"""What an order says to 12345, put together from the ledger. Personal data lives in here and goes nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from gateway.crypto.vault import Vault
from gateway.domain.moments import SHANGHAI
from gateway.domain.wire import attributes
from gateway.errors import Rejected
from gateway.hotline.calls import OrderContent, wire_time
from gateway.store.ledger import PERSONAL
from gateway.store.order_subject import Subject
from gateway.store.orders import WorkOrder

TITLES = {1: "非常不满意", 2: "不满意"}


def order_content(order: WorkOrder, subjects: list[Subject], vault: Vault) -> OrderContent:
    """``subjects``: evaluation and service. Raises ``Rejected``: ``order.evaluation_missing``, or a damaged cell."""
    if not subjects:
        raise Rejected("order.evaluation_missing", order=order.order_id)
    evaluation = _record(subjects[0], vault)
    service = _record(subjects[1], vault) if len(subjects) > 1 else {}
    indicators = ",".join(evaluation.get("indicators") or [])
    said = str(evaluation.get("writing_evaluation") or "")
    return OrderContent(
        external_id=order.external_id,
        area_code=order.area_code,
        dept_code=order.dept_code or "",
        dept_name=str(service.get("org_name", "")),
        satisfaction=str(order.satisfaction),
        indicators=indicators,
        content=said or f"评价等级:{TITLES.get(order.satisfaction, order.satisfaction)};测评内容:{indicators}",
        project_no=str(evaluation.get("project_no", "")),
        task_name=str(service.get("task_name", "")),
        contact_name=str(evaluation.get("user_name") or service.get("user_name", "")),
        contact_mobile=str(service.get("mobile", "")),
        rating_time=_zoned(evaluation.get("assess_time")),
        due_time=wire_time(order.due_at),
    )


def _record(subject: Subject, vault: Vault) -> dict[str, Any]:
    personal = None if subject.personal is None else vault.open(PERSONAL, subject.row_id, subject.personal)
    return attributes(subject.kind, subject.content, personal)


def _zoned(wire: object) -> str:
    """``yyyy-MM-dd HH:mm:ss`` of Asia/Shanghai with its offset."""
    if not isinstance(wire, str):
        return ""
    return datetime.strptime(wire, "%Y-%m-%d %H:%M:%S").replace(tzinfo=SHANGHAI).isoformat()
