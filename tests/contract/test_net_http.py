"""The HTTP client against a server that misbehaves in every way we know of."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.errors import GatewayError, Misconfigured, Transient
from gateway.net.http import HttpClient, NotSent, Timeouts, Tls
from sandbox.certificates import Authority
from sandbox.wire import running_wire
from tests.contract.wire import HttpDouble, Reply, as_json

LOOPBACK = "127.0.0.1,localhost"
BRIEF = Timeouts(connect=2, read=2, total=0.4)


@pytest.fixture
def server() -> Iterator[HttpDouble]:
    double = HttpDouble(lambda request: as_json({"seen": request.query}))
    yield double
    double.close()


def client(url: str, *, hosts: str = LOOPBACK, timeouts: Timeouts | None = None, **more: object) -> HttpClient:
    return HttpClient(url, hosts, timeouts=timeouts or Timeouts(2, 2, 5), **more)  # type: ignore[arg-type]


def failure_of(http: HttpClient, path: str = "/x") -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        http.get(path, params={"name": "张三"})
    return caught.value


def test_a_get_brings_the_answer_and_keeps_the_connection(server: HttpDouble) -> None:
    http = client(server.url)
    assert [http.get("/a", params={"n": str(n)}).json()["seen"]["n"] for n in range(3)] == ["0", "1", "2"]
    assert server.connections == 1


def test_post_gives_every_status_with_its_body_and_is_not_repeated(server: HttpDouble) -> None:
    server.faults = [Reply(503, b"busy", headers={"Retry-After": "7"}), Reply(409, b'{"code":"dup"}')]
    http = client(server.url)
    busy = http.exchange("POST", "/push", body=b"\x00sealed", headers={"X-Batch": "b1"})
    assert (busy.status, busy.body, busy.headers["retry-after"]) == (503, b"busy", "7")
    assert http.exchange("POST", "/push", body=b"x").json() == {"code": "dup"}
    assert [(r.method, r.body) for r in server.requests] == [("POST", b"\x00sealed"), ("POST", b"x")]


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, Misconfigured, "net.unauthorised"),
        (403, Misconfigured, "net.unauthorised"),
        (404, Misconfigured, "net.refused"),
        (422, Misconfigured, "net.refused"),
        (302, Misconfigured, "net.redirected"),
        (429, Transient, "net.throttled"),
        (503, Transient, "net.throttled"),
        (500, Transient, "net.server_error"),
        (504, Transient, "net.server_error"),
    ],
)
def test_each_status_has_one_meaning(server: HttpDouble, status: int, kind: type, code: str) -> None:
    server.faults = [Reply(status, b"{}", headers={"Location": f"{server.url}/elsewhere"})] * 3
    error = failure_of(client(server.url, pause=lambda _: None))
    assert (type(error), error.code) == (kind, code)
    assert all(request.path == "/x" for request in server.requests)


def test_a_passing_fault_is_healed_within_the_call(server: HttpDouble) -> None:
    server.faults = [Reply(503, headers={"Retry-After": "2"}), Reply(reset=True)]
    waits: list[float] = []
    assert client(server.url, pause=waits.append).get("/a").status == 200
    assert waits[0] == 2
    assert len(server.requests) == 3


def test_a_wait_beyond_the_deadline_is_handed_up(server: HttpDouble) -> None:
    server.faults = [Reply(429, headers={"Retry-After": "600"})]
    error = failure_of(client(server.url))
    assert isinstance(error, Transient)
    assert (error.retry_after, len(server.requests)) == (600, 1)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Reply(reset=True), "net.reset"),
        (Reply(200, b'{"whole": true}', cut=5), "net.cut"),
        (Reply(200, b"<html>Bad gateway</html>", media_type="text/html"), "net.not_json"),
        (Reply(200, b"not gzip", headers={"Content-Encoding": "gzip"}), "net.cut"),
    ],
)
def test_each_broken_answer_has_its_code(server: HttpDouble, fault: Reply, code: str) -> None:
    server.faults = [fault]
    error = failure_of(client(server.url, attempts=1))
    assert error.code == code
    assert isinstance(error, Transient)
    assert not isinstance(error, NotSent)


def test_a_drip_ends_by_the_total_deadline(server: HttpDouble) -> None:
    server.faults = [Reply(200, b"x" * 1000, drip=0.05)]  # starts within the headers, each byte well before read=2
    error = failure_of(client(server.url, timeouts=BRIEF))
    assert (error.code, isinstance(error, NotSent)) == ("net.deadline", False)


def test_a_silent_server_times_out(server: HttpDouble) -> None:
    server.faults = [Reply(200, b"x", drip=60.0)]
    assert failure_of(client(server.url, timeouts=Timeouts(2, 0.1, 5), attempts=1)).code == "net.timeout"


def test_a_silent_tls_handshake_ends_and_nothing_was_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        http = client(f"https://127.0.0.1:{mute.getsockname()[1]}", timeouts=BRIEF, attempts=1)
        error = failure_of(http)
    assert isinstance(error, NotSent)
    assert error.code == "net.deadline"


def test_a_refused_connection_and_an_unknown_name_are_certainly_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for url, hosts, code in (
        (f"http://127.0.0.1:{port}", LOOPBACK, "net.connect_refused"),
        ("https://nowhere.invalid", "nowhere.invalid", "net.dns"),
    ):
        with pytest.raises(NotSent) as caught:
            client(url, hosts=hosts).exchange("POST", "/x", body=b"1")
        assert caught.value.code == code


def test_an_untrusted_certificate_needs_an_operator_and_its_authority_heals_it(tmp_path: Path) -> None:
    with _tls_server(tmp_path) as (url, authority):
        with pytest.raises(Misconfigured, match=r"net\.tls_untrusted"):
            client(url).exchange("POST", "/x", body=b"1")
        assert client(url, tls=Tls(ca=authority)).get("/x").json() == []


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"until": datetime.now(UTC) - timedelta(hours=1)}, "net.tls_expired"),
        ({"since": datetime.now(UTC) + timedelta(hours=1)}, "net.tls_not_yet"),
        ({"host": "127.0.0.9"}, "net.tls_name"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_named(
    server: HttpDouble, tmp_path: Path, wrong: dict[str, Any], code: str
) -> None:
    ours = Authority(tmp_path)
    port = urlsplit(server.url).port or 0
    with running_wire("127.0.0.1", port, ours.issue("bad", **wrong)) as wire:
        http = client(f"https://127.0.0.1:{wire.port}", tls=Tls(ca=str(ours.file)), attempts=1)
        error = failure_of(http)
        assert (type(error), error.code) == (Misconfigured, code)
        assert server.connections == 0
        wire.certificate = ours.issue("good")
        assert http.get("/x").status == 200
        stranger = Authority(tmp_path / "stranger", "stranger")
        wire.certificate = stranger.issue("unknown")
        again = client(f"https://127.0.0.1:{wire.port}", tls=Tls(ca=str(ours.file)), attempts=1)
        assert failure_of(again).code == "net.tls_untrusted"


def test_a_host_that_nobody_named_is_refused_before_any_connection(server: HttpDouble) -> None:
    with pytest.raises(Misconfigured, match=r"net\.not_allowed"):
        client(server.url, hosts="elsewhere").get("/x")
    assert server.connections == 0


@pytest.mark.parametrize("encoded", [False, True])
def test_an_answer_beyond_the_cap_is_refused(server: HttpDouble, encoded: bool) -> None:
    body = b"0" * 500_000
    bomb = Reply(200, gzip.compress(body) if encoded else body, headers={"Content-Encoding": "gzip"} if encoded else {})
    server.faults = [bomb]
    assert failure_of(client(server.url, max_bytes=100_000, attempts=1)).code == "net.too_large"
    assert client(server.url).get("/x").status == 200


def test_errors_show_no_query(server: HttpDouble) -> None:
    server.faults = [Reply(404)]
    shown = str(failure_of(client(server.url)))
    assert "张" not in shown
    assert "%E5" not in shown.upper()


def test_no_time_left_means_no_connection(server: HttpDouble) -> None:
    with pytest.raises(NotSent, match=r"net\.deadline"):
        client(server.url).exchange("POST", "/x", seconds=0)
    assert server.connections == 0


class _tls_server:  # noqa: N801
    def __init__(self, folder: Path, *, mutual: bool = False) -> None:
        self.mutual = mutual
        self.key, self.cert = folder / "key.pem", folder / "cert.pem"
        ask = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
        files = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(self.key), "-out", str(self.cert)]
        subprocess.run(["openssl", *ask.split(), *files], check=True, capture_output=True)

    def __enter__(self) -> tuple[str, str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        if self.mutual:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.cert)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._serve, args=(context,))
        self.thread.start()
        return f"https://127.0.0.1:{self.listener.getsockname()[1]}", str(self.cert)

    def _serve(self, context: ssl.SSLContext) -> None:
        for _ in range(2):
            raw, _ = self.listener.accept()
            try:
                with context.wrap_socket(raw, server_side=True) as secure:
                    secure.recv(65536)
                    secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
            except OSError:
                raw.close()

    def __exit__(self, *_: object) -> None:
        self.thread.join(5)
        self.listener.close()


def test_a_server_that_wants_our_certificate_gets_it_and_a_missing_file_is_told(tmp_path: Path) -> None:
    with _tls_server(tmp_path, mutual=True) as (url, authority):
        ours = Tls(ca=authority, cert=authority, key=str(tmp_path / "key.pem"))
        with pytest.raises(Transient):
            client(url, tls=Tls(ca=authority), attempts=1).get("/x")
        assert client(url, tls=ours).get("/x").json() == []
    with pytest.raises(Misconfigured, match=r"net\.tls_file"):
        Tls(ca=authority, cert=str(tmp_path / "gone.pem"))
