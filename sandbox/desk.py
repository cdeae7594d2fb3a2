"""What a test asks of a double: break, mend, tell what really happened."""

from __future__ import annotations

from typing import Any

import requests

WAIT_SECONDS = 30


class Desk:
    """The admin calls of one double."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def fault(self, kind: str, **details: Any) -> None:
        """Order a fault: ``times``, ``rate``, ``match``, ``seconds`` as in :class:`sandbox.doubles.faults.Fault`."""
        self.post("/sandbox/faults", {"kind": kind, **details})

    def mend(self) -> None:
        """Take all faults back."""
        self._call("DELETE", "/sandbox/faults")

    def oracle(self) -> dict[str, Any]:
        """What really happened."""
        found: dict[str, Any] = self._call("GET", "/sandbox/oracle")
        return found

    def post(self, path: str, body: Any = None) -> Any:
        """One of the double's own admin calls, with a JSON body."""
        return self._call("POST", path, json={} if body is None else body)

    def put(self, path: str, body: bytes) -> Any:
        return self._call("PUT", path, data=body)

    def close(self) -> None:
        self._session.close()

    def _call(self, method: str, path: str, **body: Any) -> Any:
        answer = self._session.request(method, self.url + path, timeout=WAIT_SECONDS, **body)
        answer.raise_for_status()
        return answer.json()
