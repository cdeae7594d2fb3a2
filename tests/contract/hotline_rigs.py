"""A 12345 platform of strings in and out: asked by options, by a profile for ratings, by a profile for orders."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar
from xml.sax.saxutils import escape

import pytest
import yaml
from lxml import etree

from gateway.connector import Page
from gateway.settings import load
from schemas.source import SourceFile
from tests.contract.rigs import BRISK, PAGE, HttpRig, source_file
from tests.contract.wire import Reply, Request

OURS = "ours"  # the text of an order that we have raised


class StringsRig(HttpRig):
    """A string of XML in and out, as 12345 platforms have it: the list ``records`` of ``operation``, asked between
    two moments."""

    operation, records_in, record_in, key = "listRatings", "ratings", "rating", "ratingId"
    since, until = "from", "to"

    def __init__(self, source: SourceFile | None = None) -> None:
        super().__init__(source or source_file("strings", size=PAGE, limits=BRISK))

    def ids(self, page: Page) -> list[str]:
        text = etree.fromstring(page.body).findtext(".//return")
        return [str(each.findtext(self.key)) for each in etree.fromstring(str(text)).iter(self.record_in)]

    def written(self, each: dict[str, str]) -> str:
        return (
            f"<{self.record_in}><{self.key}>{each['id']}</{self.key}><updatedAt>{each['updatedAt']}</updatedAt>"
            f"<text>{escape(each['text'])}</text></{self.record_in}>"
        )

    def _handle(self, request: Request) -> Reply:
        assert (request.method, request.path) == ("POST", "/ws")
        call = next(iter(etree.fromstring(request.body).iter(f"{{http://hotline.sandbox/ws/}}{self.operation}")))
        query = etree.fromstring(str(call.findtext("xml")))
        if call.findtext("token") != "right":
            return self._string("<result><code>401</code><message>token</message></result>")
        since, until = str(query.findtext(self.since)), str(query.findtext(self.until))
        assert until > since
        total, found = self.window(since, int(str(query.findtext("page"))), int(str(query.findtext("size"))))
        listed = f"<{self.records_in}>{''.join(map(self.written, found))}</{self.records_in}>"
        return self.spoilt(self._string(f"<result><code>0</code><message/><total>{total}</total>{listed}</result>"))

    def _string(self, text: str) -> Reply:
        name = f"w:{self.operation}Response"
        envelope = (
            '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
            f'<{name} xmlns:w="http://hotline.sandbox/ws/"><return>{escape(text)}</return></{name}>'
            "</soap:Body></soap:Envelope>"
        )
        return Reply(200, envelope.encode(), "text/xml; charset=utf-8")


class HotlineRig(StringsRig):
    """The same, asked as a profile says: ours, but brisk."""

    take: ClassVar[dict[str, str]] = {
        "what": "ratings",
        "operation": "listRatings",
        "records": "ratings/rating",
        "moment": "updatedAt",
    }

    def __init__(self, root: Path) -> None:
        self._environ = pytest.MonkeyPatch()
        profile = yaml.safe_load((load().targets_dir / "hotline.yaml").read_text(encoding="utf-8"))
        seconds = {"connect": BRISK["connect"], "read": BRISK["read"], "wall": BRISK["total"]}
        (root / "targets").mkdir()
        (root / "targets" / "brisk.yaml").write_text(yaml.safe_dump(profile | {"timeouts": seconds}), encoding="utf-8")
        (root / "targets" / "wsdl").symlink_to(load().targets_dir / "wsdl")
        self._environ.setenv("GW_HOME", str(root))
        options = {"profile": "brisk", "take": self.take, "max_bytes": BRISK["max_bytes"]}
        super().__init__(source_file("hotline", size=PAGE, **options))

    def close(self) -> None:
        self._environ.undo()
        super().close()


class OrdersRig(HotlineRig):
    """Orders of the platform; those that we have raised stand among them."""

    take: ClassVar[dict[str, str]] = {"what": "orders"}
    operation, records_in, record_in, key = "listOrders", "orders", "order", "orderNo"
    since, until = "updatedFrom", "updatedTo"

    def ids(self, page: Page) -> list[str]:
        return [str(each.findtext(self.key)) for each in etree.fromstring(page.body).iter(self.record_in)]

    def written(self, each: dict[str, str]) -> str:
        ours = each["text"] == OURS
        external = "HCP-511602-0123456789abcdef0123-1" if ours else ""
        return super().written(each).replace("<text>", f"<externalId>{external}</externalId><text>")
