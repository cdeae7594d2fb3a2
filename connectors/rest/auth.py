"""How a REST source knows us: what is added to each attempt of a call."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import msgspec

from connectors.bodies import JsonBody
from connectors.rest.envelope import judge
from connectors.rest.options import (
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    Envelope,
    LoginAuth,
    NoAuth,
    OAuth2Auth,
    Options,
    SignAuth,
    XTifAuth,
)
from connectors.rest.request import Asked
from connectors.signing import DIGESTS, Signer
from gateway.errors import Misconfigured, Transient
from gateway.net.http import Call, HttpClient
from gateway.settings import Connection

EARLY = 0.9  # of its lifetime a token is used, the rest is for calls under way
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Auth(Protocol):
    def ready(self) -> None:
        """Log in where that is a call of its own. Raises ``Misconfigured`` when it is refused."""
        ...

    def admit(self, asked: Asked) -> Asked:
        """``asked`` with what lets it pass."""
        ...

    def renew(self) -> bool:
        """Forget what has expired; False when there is nothing that could be renewed."""
        ...


class Fixed:
    """The same headers and parameters always: none, basic, bearer, API key."""

    def __init__(self, headers: Mapping[str, str] | None = None, params: Mapping[str, str] | None = None) -> None:
        self._headers, self._params = headers or {}, params or {}

    def ready(self) -> None:
        """Nothing comes before the first call."""

    def admit(self, asked: Asked) -> Asked:
        headers, query = {**asked.headers, **self._headers}, {**asked.query, **self._params}
        return replace(asked, headers=headers, query=query)

    def renew(self) -> bool:
        return False


class XTif(Fixed):
    """x-tif-* headers: hex SHA-256(timestamp ‖ token ‖ nonce ‖ timestamp), timestamp in seconds."""

    def __init__(self, paas_id: str, token: str, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._paas_id, self._token, self._clock = paas_id, token, clock

    def admit(self, asked: Asked) -> Asked:
        moment, nonce = str(int(self._clock())), secrets.token_hex(16)
        marks = {
            "x-tif-paasid": self._paas_id,
            "x-tif-timestamp": moment,
            "x-tif-nonce": nonce,
            "x-tif-signature": x_tif_signature(moment, self._token, nonce),
        }
        return replace(asked, headers={**asked.headers, **marks})


class Signed(Fixed):
    """A signature over each attempt, see :mod:`connectors.signing`."""

    def __init__(self, options: SignAuth, signer: Signer) -> None:
        super().__init__()
        self._options, self._signer = options, signer

    def admit(self, asked: Asked) -> Asked:
        call = asked.call()
        signed = {**asked.query, **asked.fields}
        marks = self._signer.marks(call.method, call.path, signed, call.body)
        carried = {carrier: marks[name] for name, carrier in self._options.carry.items()}
        match self._options.place:
            case "header":
                return replace(asked, headers={**asked.headers, **carried})
            case "query":
                return replace(asked, query={**asked.query, **carried})
            case "body":
                return replace(asked, fields={**asked.fields, **carried})


class Token:
    """A token from a call of its own, fetched before the first call, before it ends, and after a refusal."""

    def __init__(self, http: HttpClient, header: str, prefix: str, query: str | None) -> None:
        self._http, self._header, self._prefix, self._query = http, header, prefix, query
        self._token: str | None = None
        self._ends = float("inf")

    def ready(self) -> None:
        if self._token is None or time.monotonic() >= self._ends:
            self._token, lifetime = self.fetch()
            self._ends = time.monotonic() + lifetime * EARLY if lifetime else float("inf")

    def admit(self, asked: Asked) -> Asked:
        self.ready()
        shown = self._prefix + str(self._token)
        if self._query is not None:
            return replace(asked, query={**asked.query, self._query: str(self._token)})
        return replace(asked, headers={**asked.headers, self._header: shown})

    def renew(self) -> bool:
        self._token = None
        return True

    def fetch(self) -> tuple[str, float | None]:
        """The token, and for how many seconds it is good."""
        raise NotImplementedError

    def obtain(self, call: Call, envelope: Envelope, token: str, lifetime: str | None) -> tuple[str, float | None]:
        """Both from the answer to ``call``."""
        answer = self._http.exchange(call.method, call.path, headers=call.headers, body=call.body).expect_json()
        body = JsonBody(answer.body, answer)
        try:
            judge(body, envelope, answer)
        except Transient as refused:
            if refused.code != "rest.unsuccessful":
                raise
            raise Misconfigured("rest.login_refused", address=answer.address) from refused
        found, seconds = body.value(token), body.value(lifetime) if lifetime else None
        if not isinstance(found, str) or not found:
            raise Misconfigured("rest.no_token", address=answer.address, key=token)
        return found, _seconds(seconds)


class Login(Token):
    """Login and password against a session's token."""

    def __init__(self, options: LoginAuth, envelope: Envelope, connection: Connection, http: HttpClient) -> None:
        super().__init__(http, options.header, options.prefix, options.query)
        self._options = options
        self._success = envelope.model_copy(update={"expired": {}, "empty": {}})
        self._connection = connection

    def fetch(self) -> tuple[str, float | None]:
        options, password = self._options, self._connection.password.get_secret_value()
        if options.password_digest:
            password = DIGESTS[options.password_digest](password.encode()).hex()
        fields = {**options.fields, options.login_field: self._connection.login, options.password_field: password}
        if options.send == "form":
            call = Call("POST", options.path, headers=FORM, body=urlencode(fields).encode())
        else:
            json = {"Content-Type": "application/json"}
            call = Call("POST", options.path, headers=json, body=msgspec.json.encode(fields))
        return self.obtain(call, self._success, options.token, options.lifetime)


class OAuth2(Token):
    """RFC 6749 §4.4, client credentials; a 400 or 401 of the token endpoint is a refusal."""

    def __init__(self, options: OAuth2Auth, connection: Connection, http: HttpClient) -> None:
        super().__init__(http, "Authorization", "Bearer ", None)
        self._options, self._connection = options, connection

    def fetch(self) -> tuple[str, float | None]:
        login, secret = self._connection.login, self._connection.password.get_secret_value()
        fields = {"grant_type": "client_credentials"}
        headers = dict(FORM)
        if self._options.scope:
            fields["scope"] = self._options.scope
        if self._options.credentials == "body":
            fields |= {"client_id": login, "client_secret": secret}
        else:
            headers |= basic(quote(login, safe=""), quote(secret, safe=""))
        call = Call("POST", self._options.path, headers=headers, body=urlencode(fields).encode())
        try:
            return self.obtain(call, Envelope(), "access_token", "expires_in")
        except Misconfigured as refused:
            if refused.code not in ("net.refused", "net.unauthorised"):
                raise
            raise Misconfigured("rest.login_refused", address=refused.params["address"]) from refused


def basic(login: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode()}


def x_tif_signature(timestamp: str, token: str, nonce: str) -> str:
    return hashlib.sha256(f"{timestamp}{token}{nonce}{timestamp}".encode()).hexdigest()


def auth_for(options: Options, connection: Connection, http: HttpClient) -> Auth:
    """The scheme that the source file names."""
    login, password = connection.login, connection.password.get_secret_value()
    match options.auth:
        case NoAuth():
            return Fixed()
        case BasicAuth():
            return Fixed(basic(login, password))
        case BearerAuth():
            return Fixed({"Authorization": f"Bearer {password}"})
        case ApiKeyAuth(header=header, query=query):
            return Fixed({}, {query: password}) if query else Fixed({header: password})
        case XTifAuth(sign_token=sign_token):
            return XTif(login, password if sign_token else "")
        case SignAuth() as scheme:
            return Signed(scheme, Signer(scheme.signing, connection))
        case OAuth2Auth() as scheme:
            return OAuth2(scheme, connection, http)
        case LoginAuth() as scheme:
            return Login(scheme, options.envelope, connection, http)


def _seconds(found: Any) -> float | None:
    try:
        return float(found) if found is not None and float(found) > 0 else None
    except (TypeError, ValueError):
        return None
