"""How a REST source knows us: headers for each attempt of a call."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from connectors.rest.envelope import Opened
from connectors.rest.options import ApiKeyAuth, BasicAuth, Envelope, LoginAuth, NoAuth, Options, XTifAuth
from gateway.errors import Misconfigured, Transient
from gateway.net.http import HttpClient
from gateway.settings import Connection


class Auth(Protocol):
    def headers(self) -> Mapping[str, str]: ...

    def renew(self) -> bool:
        """Forget what has expired; False when there is nothing that could be renewed."""
        ...


class Fixed:
    """No auth, basic, API key: the same headers always."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def headers(self) -> Mapping[str, str]:
        return self._headers

    def renew(self) -> bool:
        return False


class XTif:
    """x-tif-* headers: hex SHA-256(timestamp ‖ token ‖ nonce ‖ timestamp), timestamp in seconds."""

    def __init__(self, paas_id: str, token: str, clock: Callable[[], float] = time.time) -> None:
        self._paas_id = paas_id
        self._token = token
        self._clock = clock

    def headers(self) -> Mapping[str, str]:
        moment, nonce = str(int(self._clock())), secrets.token_hex(16)
        return {
            "x-tif-paasid": self._paas_id,
            "x-tif-timestamp": moment,
            "x-tif-nonce": nonce,
            "x-tif-signature": x_tif_signature(moment, self._token, nonce),
        }

    def renew(self) -> bool:
        return False


class Login:
    """A bearer token, fetched at the first call and after each refusal."""

    def __init__(self, options: LoginAuth, envelope: Envelope, connection: Connection, http: HttpClient) -> None:
        self._options = options
        self._success = envelope.model_copy(update={"expired": {}})
        self._connection = connection
        self._http = http
        self._token: str | None = None

    def headers(self) -> Mapping[str, str]:
        if self._token is None:
            self._token = self._log_in()
        return {self._options.header: self._options.prefix + self._token}

    def renew(self) -> bool:
        self._token = None
        return True

    def _log_in(self) -> str:
        options = self._options
        body = msgspec.json.encode(
            {
                options.login_field: self._connection.login,
                options.password_field: self._connection.password.get_secret_value(),
            }
        )
        json = {"Content-Type": "application/json"}
        answer = self._http.exchange("POST", options.path, headers=json, body=body).expect_json()
        opened = Opened(answer)
        try:
            token = opened.expect(self._success).value(options.token)
        except Transient as refused:
            raise Misconfigured("rest.login_refused", address=answer.address) from refused
        if not isinstance(token, str) or not token:
            raise Misconfigured("rest.no_token", address=answer.address, key=options.token)
        return token


def x_tif_signature(timestamp: str, token: str, nonce: str) -> str:
    return hashlib.sha256(f"{timestamp}{token}{nonce}{timestamp}".encode()).hexdigest()


def auth_for(options: Options, connection: Connection, http: HttpClient) -> Auth:
    """The scheme that the source file names."""
    login, password = connection.login, connection.password.get_secret_value()
    match options.auth:
        case NoAuth():
            return Fixed({})
        case BasicAuth():
            pair = base64.b64encode(f"{login}:{password}".encode()).decode()
            return Fixed({"Authorization": f"Basic {pair}"})
        case ApiKeyAuth(header=header):
            return Fixed({header: password})
        case XTifAuth(sign_token=sign_token):
            return XTif(login, password if sign_token else "")
        case LoginAuth() as scheme:
            return Login(scheme, options.envelope, connection, http)
