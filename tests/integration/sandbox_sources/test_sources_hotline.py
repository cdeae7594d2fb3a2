"""The hotline's double, called by zeep (an independent SOAP client) and by hand."""

from __future__ import annotations

from uuid import uuid4

import pytest
import requests
import zeep
from lxml import etree

from sandbox.town import Sandbox


@pytest.fixture(scope="module")
def client(town: Sandbox) -> zeep.Client:
    return zeep.Client(f"{town.urls['hotline']}/ws?wsdl")


def order_xml(external_id: str, **changed: str) -> str:
    fields = {
        "externalId": external_id,
        "deptCode": "115113016823646795",
        "satisfaction": "1",
        "content": "跑了三趟 <还没> 办完",
        **changed,
    }
    root = etree.Element("order")
    for name, value in fields.items():
        etree.SubElement(root, name).text = value
    return etree.tostring(root, encoding="unicode")


def call(client: zeep.Client, town: Sandbox, operation: str, xml: str) -> etree._Element:
    secret = town.connections["hotline"]["password"]
    return etree.fromstring(client.service[operation](secret, xml))


def query(client: zeep.Client, town: Sandbox, external_id: str) -> etree._Element:
    return call(client, town, "queryOrder", f"<query><externalId>{external_id}</externalId></query>")


def post(town: Sandbox, body: str) -> requests.Response:
    headers = {"Content-Type": "text/xml; charset=utf-8"}
    return requests.post(f"{town.urls['hotline']}/ws", data=body.encode(), headers=headers, timeout=10)


def test_ratings_come_in_pages_and_in_full(client: zeep.Client, town: Sandbox) -> None:
    ids = []
    for number in (1, 2):
        asked = f"<query><from/><to/><page>{number}</page><size>40</size></query>"
        result = call(client, town, "listRatings", asked)
        assert (result.findtext("code"), result.findtext("total")) == ("0", "60")
        ids += [rating.findtext("ratingId") for rating in result.iterfind("ratings/rating")]
    assert ids == [line["upstream_id"] for line in town.truth if line["source"] == "hotline_guangan"]


def test_an_order_is_created_once(client: zeep.Client, town: Sandbox) -> None:
    external_id = uuid4().hex
    first = call(client, town, "createOrder", order_xml(external_id))
    second = call(client, town, "createOrder", order_xml(external_id))
    assert (first.findtext("code"), first.findtext("message")) == ("0", "保存成功")
    assert (second.findtext("code"), second.findtext("message")) == ("2", "外部编号不可重复")
    assert first.findtext("orderNo") == second.findtext("orderNo")
    known = town.desks["hotline"].oracle()["orders"][external_id]
    assert (known["created"], known["create_calls"]) == (1, 2)


@pytest.mark.parametrize("changed", [{"content": ""}, {"deptCode": "1"}, {"satisfaction": "5"}, {"surprise": "x"}])
def test_wrong_orders_are_refused(client: zeep.Client, town: Sandbox, changed: dict[str, str]) -> None:
    external_id = uuid4().hex
    assert call(client, town, "createOrder", order_xml(external_id, **changed)).findtext("code") == "1"
    assert query(client, town, external_id).findtext("code") == "404"


def test_orders_progress_and_some_are_reworked(client: zeep.Client, town: Sandbox) -> None:
    ids = [uuid4().hex for _ in range(25)]
    for external_id in ids:
        call(client, town, "createOrder", order_xml(external_id))
    town.desks["hotline"].post("/sandbox/tick", {"times": 4})
    handled = query(client, town, ids[0]).find("order")
    assert handled.findtext("status") == "已处置"
    assert handled.findtext("reply")
    assert handled.findtext("verifyResult") in ("属实", "部分属实", "不属实", "无法核实")
    town.desks["hotline"].post("/sandbox/tick", {"times": 12})
    asked = "<query><updatedFrom/><updatedTo/><page>1</page><size>500</size></query>"
    orders = list(call(client, town, "listOrders", asked).iterfind("orders/order"))
    assert {order.findtext("status") for order in orders if order.findtext("externalId") in ids} == {"已结案"}
    cycles = {known["cycle"] for known in town.desks["hotline"].oracle()["orders"].values()}
    assert cycles <= {1, 2}


def test_urging_is_noted(client: zeep.Client, town: Sandbox) -> None:
    number = call(client, town, "createOrder", order_xml(uuid4().hex)).findtext("orderNo")
    urge = f"<order><orderNo>{number}</orderNo><action>催办</action><note/></order>"
    assert call(client, town, "updateOrder", urge).findtext("code") == "0"
    assert call(client, town, "updateOrder", urge.replace("催办", "删除")).findtext("code") == "1"
    assert {"orderNo": number, "action": "催办", "count": 1} in town.desks["hotline"].oracle()["updates"]


def test_a_lost_reply_leaves_the_order_made(client: zeep.Client, town: Sandbox) -> None:
    external_id = uuid4().hex
    town.desks["hotline"].fault("lose_reply", times=1, match="createOrder")
    with pytest.raises(requests.ConnectionError):
        call(client, town, "createOrder", order_xml(external_id))
    assert query(client, town, external_id).findtext("order/status") == "待受理"


def test_a_killed_hotline_keeps_its_orders(client: zeep.Client, town: Sandbox) -> None:
    external_id = uuid4().hex
    number = call(client, town, "createOrder", order_xml(external_id)).findtext("orderNo")
    town.kill("hotline")
    town.restart("hotline")
    assert query(client, town, external_id).findtext("order/orderNo") == number


def test_only_the_token_opens(town: Sandbox) -> None:
    client = zeep.Client(f"{town.urls['hotline']}/ws?wsdl")
    with client.settings(raw_response=True):
        assert client.service.queryOrder("wrong", "<query/>").status_code == 401


def test_hostile_and_foreign_xml_is_refused(town: Sandbox) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY e "boom">]><x>&e;</x>'
    soap12 = '<Envelope xmlns="http://www.w3.org/2003/05/soap-envelope"><Body/></Envelope>'
    for body in (bomb, soap12, "not xml"):
        answer = post(town, body)
        assert answer.status_code == 500
        assert "<faultcode>soap:Client</faultcode>" in answer.text
    assert requests.post(f"{town.urls['hotline']}/ws", data=b"x", timeout=10).status_code == 415
