"""Every failure, sorted by who must act.

    GatewayError
    ├── Transient        the machine: tries again (seconds: tenacity, minutes: Airflow, days: the outbox)
    ├── Rejected         the data's owner: that record or batch goes to quarantine, its neighbours go on
    ├── Misconfigured    an operator: that source or target is suspended, no attempt is used up
    └── Bug              the developers: stop and keep the evidence

An error carries a stable ``code`` and plain parameters. Its sentences stand in ``gateway/messages/{zh,en}/*.toml``
under that code; parameters never hold personal data, since they reach logs and screens.
"""

from __future__ import annotations

from typing import Any


class GatewayError(Exception):
    """The root. ``code`` is stable and documented; ``params`` fill its sentence."""

    def __init__(self, code: str, /, **params: Any) -> None:
        self.code = code
        self.params = params
        super().__init__(code, params)

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.code} ({shown})" if shown else self.code


class Transient(GatewayError):
    """Time or the other side may heal it. ``retry_after`` (seconds) is the other side's own word, if it gave one."""

    def __init__(self, code: str, /, *, retry_after: float | None = None, **params: Any) -> None:
        super().__init__(code, **params)
        self.retry_after = retry_after


class Rejected(GatewayError):
    """The data is wrong; its owner must correct it."""


class Misconfigured(GatewayError):
    """A person must change configuration, a credential or a key before it can work."""


class Bug(GatewayError):
    """Our own fault: a state that the code promised could not happen."""
