"""Services that are not ours, run here: npm's ``soap`` and ``json-server``, JAX-WS of Debian's ``libjaxws-java``.

They run where they are installed (``make foreign`` does so) and are skipped elsewhere. With ``GW_RECORD`` set, their
answers are written to ``tests/contract/recorded``, where the ordinary suite reads them again.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from lxml import etree

import connectors
from gateway.connector import Page
from gateway.errors import Misconfigured
from gateway.settings import Connection
from tests.contract.rigs import LOOPBACK, PAGE, Landing, record
from tests.contract.web_rigs import source
from tests.contract.wire import HttpDouble, Reply, Request

pytestmark = pytest.mark.foreign

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MODULES = Path(os.environ.get("GW_FOREIGN_NODE", ROOT / "var" / "foreign" / "node_modules"))
JAVA = Path("/usr/share/java")
JARS = (
    *("jaxws-rt", "jaxws-api", "jws-api", "jaxb-api", "jaxb-core", "jaxb-impl", "jaxb-runtime", "saaj-impl", "stax-ex"),
    *("javax.xml.soap-api", "javax.activation", "FastInfoset", "gmbal", "istack-commons-runtime", "metro-policy"),
    *("mimepull", "stax2-api", "streambuffer", "txw2", "geronimo-annotation-1.3-spec"),
)
RECORDS = [record(number) for number in range(10)]
SINCE = "2000-01-01 00:00:00"
HOTLINE = ROOT / "targets" / "wsdl" / "hotline.wsdl"


@contextmanager
def running(command: list[str], **environ: str) -> Iterator[int]:
    """The port that the process prints as JSON; it ends when its input does."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **environ}, cwd=HERE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield int(json.loads(process.stdout.readline())["port"])
        finally:
            process.stdin.close()
            process.wait(20)


def node(package: str, script: str, *arguments: str) -> Any:
    if shutil.which("node") is None or not (MODULES / package).is_dir():
        pytest.skip(f"npm's {package} is not installed below {MODULES}: make foreign")
    return running(["node", str(HERE / script), *arguments], NODE_PATH=str(MODULES))


def java(folder: Path, lines: Path) -> Any:
    jars = [JAVA / f"{name}.jar" for name in JARS]
    if shutil.which("javac") is None or not all(jar.is_file() for jar in jars):
        pytest.skip("no JDK, or Debian's libjaxws-java is not installed")
    path = ":".join(map(str, [*jars, folder]))
    compile_ = ["javac", "-encoding", "UTF-8", "-cp", path, "-d", str(folder), str(HERE / "Ratings.java")]
    subprocess.run(compile_, check=True, capture_output=True)
    quiet = "-Dcom.sun.xml.ws.monitoring.endpoint=false"
    return running(["java", quiet, "-cp", path, "Ratings", str(lines)])


class Foreign:
    """A rig as far as :class:`Landing` needs one, on a service at ``port``."""

    def __init__(self, name: str, port: int, kind: str, reading: dict[str, str], **options: Any) -> None:
        self.name, self.reading = name, reading
        self.source = source(kind, **options)
        self.answers: list[bytes] = []
        self._port = port
        self._proxy = HttpDouble(self._forward)

    def connection(self, password: str = "right") -> Connection:
        return Connection(schema="http", host=LOOPBACK, port=self._proxy.port, login="gw", password=password)  # type: ignore[arg-type,call-arg]

    def ids(self, page: Page) -> list[str]:
        if page.media_type == "application/json":
            return [each["id"] for each in json.loads(page.body)]
        text = str(etree.fromstring(page.body).xpath("string(//*[local-name()='return'])"))
        return [str(each.text) for each in etree.fromstring(text.encode()).iter("id")]

    def close(self) -> None:
        self._proxy.close()

    def write(self, *files: Path) -> None:
        """What was received, as a recording."""
        if not os.environ.get("GW_RECORD"):
            return
        folder = ROOT / "tests" / "contract" / "recorded" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        data = self.source.model_dump(exclude_defaults=True)
        data["mapping"] = {"read": self.reading, "evaluation": {"id": {"path": "id"}}}
        if "wsdl_file" in data["options"]:
            data["options"]["wsdl_file"] = Path(data["options"]["wsdl_file"]).name
        for file in files:
            shutil.copy(file, folder)
        (folder / "source.yaml").write_text(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), encoding="utf-8")
        for number, answer in enumerate(self.answers, 1):
            (folder / f"{number}.http").write_bytes(answer)

    def _forward(self, request: Request) -> Reply:
        """To the service and back, byte for byte but for hop-by-hop headers."""
        onward = http.client.HTTPConnection(LOOPBACK, self._port, timeout=20)
        onward.request(request.method, request.target, request.body or None, request.headers)
        answer = onward.getresponse()
        body = answer.read()
        kept = {n: v for n, v in answer.getheaders() if n.lower() in ("content-type", "link", "x-total-count")}
        onward.close()
        head = "".join(f"{name}: {text}\r\n" for name, text in kept.items())
        self.answers.append(f"HTTP/1.1 {answer.status} X\r\n{head}\r\n".encode() + body)
        media_type = kept.pop("Content-Type", kept.pop("content-type", ""))
        return Reply(answer.status, body, media_type, kept)


def prove(rig: Foreign, *files: Path) -> None:
    """All records, once, in order; nothing new the second time; and a wrong token is told."""
    landing = Landing(rig)  # type: ignore[arg-type]
    assert landing.pull() > 1
    assert list(dict.fromkeys(landing.ids)) == [each["id"] for each in RECORDS]
    rig.write(*files)
    assert landing.pull() == 0
    findings = connectors.check(rig.source, rig.connection(), LOOPBACK)
    assert all(finding.ok for finding in findings), findings
    rig.close()


def refuses(rig: Foreign) -> None:
    with pytest.raises(Misconfigured, match=r"soap\.unauthorised"):
        list(connectors.build(rig.source, rig.connection("wrong"), LOOPBACK).pages(None, lambda _: False))


def sum_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def records(tmp_path: Path) -> Path:
    path = tmp_path / "records.json"
    path.write_text(json.dumps(RECORDS, ensure_ascii=False), encoding="utf-8")
    return path


def test_npm_soap_as_a_hotline_by_its_profile(records: Path) -> None:
    take = {"what": "ratings", "operation": "listRatings", "records": "ratings/rating", "moment": "updatedAt"}
    with node("soap", "npm_soap.js", str(HOTLINE), str(records)) as port:
        rig = Foreign("npm-hotline", port, "hotline", {"element": "rating"}, take=take, size=PAGE, start=SINCE)
        refuses(rig)
        rig.answers.clear()
        prove(rig)


def test_npm_soap_document_literal(records: Path) -> None:
    with node("soap", "npm_soap.js", str(HOTLINE), str(records)) as port:
        rig = Foreign(
            "npm-soap",
            port,
            "soap",
            {"element": "rating"},
            wsdl_file=str(HOTLINE),
            wsdl_sha256=sum_of(HOTLINE.read_bytes()),
            binding="{http://hotline.sandbox/ws/}HotlineSoap",
            operation="listRatings",
            result={"records": "ratings/rating", "moment": "updatedAt"},
            size=PAGE,
            start=SINCE,
        )
        refuses(rig)
        rig.answers.clear()
        prove(rig, HOTLINE)


def test_jax_ws_rpc_literal_with_its_wsdl_fetched(tmp_path: Path) -> None:
    lines = tmp_path / "records.tsv"
    lines.write_text("".join("\t".join(each.values()) + "\n" for each in RECORDS), encoding="utf-8")
    with java(tmp_path, lines) as port:
        rig = Foreign("jax-ws", port, "soap", {"element": "rating"})
        wsdl = requests.get(f"{rig.connection().url}/ws?wsdl", timeout=20).content  # through the proxy: it shows in it
        rig.source = source(
            "soap",
            wsdl_url="/ws?wsdl",
            wsdl_sha256=sum_of(wsdl),
            binding="{urn:county}RatingsPortBinding",
            operation="listRatings",
            arguments={"token": "{token}", "since": "{since}", "page": "{page}", "size": "{size}"},
            result={"records": "ratings/rating", "moment": "updatedAt"},
            size=PAGE,
            start=SINCE,
        )
        refuses(rig)
        rig.answers.clear()
        prove(rig)


def test_json_server_with_links(records: Path) -> None:
    with node("json-server", "json_server.js", str(records)) as port:
        window = {"since_param": "updatedAt_gte", "moment": "updatedAt", "start": "2026-11-20 00:00:00"}
        rig = Foreign(
            "json-server",
            port,
            "rest",
            {},
            path="/ratings",
            params={"_page": "1", "_sort": "updatedAt"},
            paging={"by": "link", "size_param": "_limit", "size": PAGE, "window": window},
            envelope={"total_header": "X-Total-Count"},
        )
        prove(rig)
