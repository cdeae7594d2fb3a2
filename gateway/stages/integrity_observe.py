"""From a ledger row to what the detectors may see: personal data is opened here, and leaves as keyed digests only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from gateway.crypto.vault import Vault
from gateway.domain.integrity import Observation
from gateway.domain.rate import POSITIVE
from gateway.domain.wire import attributes
from gateway.store.ledger import PERSONAL, personal_row
from gateway.store.observations import Evaluated

LOCAL = timedelta(hours=8)  # Asia/Shanghai, without summer time since 1991
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - local wall time, as wire times are
SECOND = timedelta(seconds=1)
WITHDRAWAL = "D"
MARKS = ("cert_key", "cert_key_gov", "handle_user_page_code")
APPLICANT_MARKS = ("handle_user_page_code", "cert_key", "cert_key_gov")  # an agent acts for many, so the agent first


def observe(row: Evaluated, vault: Vault) -> Observation | None:
    """``row`` without names, numbers and words; none when it holds no level."""
    if row.satisfaction is None:
        return None
    content = attributes("evaluation", row.content)
    said = _opened(vault, "evaluation", row.record_key, row.version, row.personal)
    case = attributes("service", row.service_content) if row.service_content else {}
    applicant = _opened(vault, "service", row.service_key, row.service_version, row.service_personal)
    text = str(said.get("writing_evaluation") or "").strip()
    return Observation(
        record_key=row.record_key,
        satisfaction=row.satisfaction,
        channel=row.channel or "",
        origin=row.origin or "unknown",
        indicators=tuple(content.get("indicators") or ()),
        blank=not text,
        text=vault.blind_index("writing_evaluation", text) if text and row.satisfaction < POSITIVE else None,
        mark=_mark(vault, said, MARKS) or _mark(vault, applicant, APPLICANT_MARKS),
        login=any(said.get(name) for name in MARKS) or bool(applicant.get("cert_key")),
        assess=_seconds(row.assess + LOCAL),
        service=None if row.service is None else _seconds(row.service + LOCAL),
        accept=_wire(case.get("accept_date")),
        result=_wire(case.get("result_date")),
        create=_wire(case.get("apply_date")),
    )


def is_withdrawal(content: str) -> bool:
    """Does this version take the evaluation back?"""
    return bool(attributes("evaluation", content).get("operation") == WITHDRAWAL)


def _opened(
    vault: Vault, kind: str, record_key: str | None, version: int | None, sealed: bytes | None
) -> dict[str, Any]:
    if sealed is None or record_key is None or version is None:
        return {}
    return attributes(kind, "{}", vault.open(PERSONAL, personal_row(kind, record_key, version), sealed))


def _mark(vault: Vault, personal: dict[str, Any], names: tuple[str, ...]) -> bytes | None:
    """The keyed digest of the first mark that is there; certificate numbers compare under one key."""
    for name in names:
        if personal.get(name):
            return vault.blind_index("cert_key" if name == "cert_key" else "id_no", str(personal[name]))
    return None


def _seconds(local: datetime) -> int:
    return (local - EPOCH) // SECOND


def _wire(text: str | None) -> int | None:
    return None if not text else _seconds(datetime.fromisoformat(text))
