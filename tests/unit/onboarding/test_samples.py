"""What vendors hand over: OpenAPI of any age and looseness, WSDLs, files. What can't be read is said, never a crash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.errors import Rejected
from gateway.mapping import Masters
from gateway.mapping.sources import load_source
from gateway.onboarding.samples import read_sample
from gateway.onboarding.scaffold import Wanted, scaffold
from gateway.onboarding.seen import Sample

ROW = {"type": "object", "properties": {"bjbh": {"type": "string", "description": "办件编号"}}}
ROWS = {"type": "array", "items": ROW}
WANTED = Wanted("county_a", "某县评价", "rest", "county_a", "某县数据局", "511602000000")


def read(folder: Path, document: Any, name: str = "api.yaml") -> Sample:
    file = folder / name
    text = document if isinstance(document, str) else yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
    file.write_text(text, "utf-8")
    return read_sample(file)


def answering(schema: Any, **more: Any) -> dict[str, Any]:
    """A document of one operation, ``GET /list``, whose answer is ``schema``; ``more`` stands beside ``paths``."""
    operation = {"responses": {"200": {"content": {"application/json": {"schema": schema}}}}}
    return {"openapi": "3.0.0", "paths": {"/list": {"get": operation}}, **more}


def test_openapi_tells_fields_labels_and_parameters(tmp_path: Path) -> None:
    row = {
        "allOf": [
            {"properties": {"bjbh": {"type": "string", "description": "办件编号"}}},
            {"properties": {"sjh": {"description": "手机号码"}, "loop": {"$ref": "#/components/schemas/Row"}}},
        ]
    }
    rows = {"type": "array", "items": {"$ref": "#/components/schemas/Row"}}
    document = answering({"properties": {"data": {"properties": {"rows": rows}}}}, components={"schemas": {"Row": row}})
    asked = [{"name": name, "in": "query"} for name in ("updatedAfter", "pageNo", "pageSize")]
    document["paths"]["/list"]["get"]["parameters"] = asked
    sample = read(tmp_path, document)
    assert [(field.path, field.label) for field in sample.fields][:2] == [("bjbh", "办件编号"), ("sjh", "手机号码")]
    assert sample.reading == {"list": "data.rows"}
    assert sample.known == {
        "path": "/list",
        "method": "GET",
        "records": "data.rows",
        "since_param": "updatedAfter",
        "page_param": "pageNo",
        "size_param": "pageSize",
    }


def test_a_post_says_its_parameters_in_a_body_and_all_paths_lie_below_the_servers(tmp_path: Path) -> None:
    names = ("startTime", "pageNum", "pageSize")
    schema: Any = {"properties": {name: {} for name in names}}
    body = {"content": {"application/json": {"schema": schema}}}
    document = answering(ROWS, servers=[{"url": "https://hcp.example.cn/api/v1/"}])
    operation = document["paths"].pop("/list")["get"] | {"requestBody": body}
    document["paths"] = {"/list": {"post": operation}}
    known = read(tmp_path, document).known
    assert (known["path"], known["method"], known["send"]) == ("/api/v1/list", "POST", "json")
    assert [known[name] for name in ("since_param", "page_param", "size_param")] == ["startTime", "pageNum", "pageSize"]


def test_swagger_2_says_the_same_elsewhere(tmp_path: Path) -> None:
    body = {"in": "body", "name": "query", "schema": {"properties": {"beginTime": {}, "current": {}}}}
    operation = {"parameters": [body], "responses": {200: {"schema": ROWS}}}
    document: dict[str, Any] = {"swagger": "2.0", "basePath": "/gateway", "paths": {"/list": {"post": operation}}}
    document |= {"security": [{"key": []}], "securityDefinitions": {"key": {"type": "basic"}}}
    known = read(tmp_path, document).known
    assert known["path"] == "/gateway/list"
    assert (known["since_param"], known["page_param"], known["send"]) == ("beginTime", "current", "json")
    assert known["auth"] == {"kind": "basic"}


@pytest.mark.parametrize(
    ("scheme", "written"),
    [
        ({"type": "http", "scheme": "basic"}, "auth: {kind: basic}"),
        ({"type": "apiKey", "in": "header", "name": "X-Key"}, "auth: {kind: api_key, header: X-Key}"),
        ({"type": "apiKey", "in": "query", "name": "key"}, "auth: {kind: api_key, query: key}"),
        (
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://hcp.example.cn/oauth/token"}}},
            "auth: {kind: oauth2, path: /oauth/token}",
        ),
        ({"type": "oauth2", "flow": "application", "tokenUrl": "/token"}, "auth: {kind: oauth2, path: /token}"),
        ({"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://[/x"}}}, "auth: {kind: 待定}"),
        ({"type": "oauth2", "flows": {"authorizationCode": {"tokenUrl": "/token"}}}, "auth: {kind: 待定}"),
        ({"type": "http", "scheme": "bearer"}, "auth: {kind: 待定}"),
        ({"type": "apiKey", "in": "cookie", "name": "JSESSIONID"}, "auth: {kind: 待定}"),
        (None, "auth: {kind: 待定}"),
    ],
)
def test_credentials_are_taken_from_a_scheme_that_says_all_of_it(tmp_path: Path, scheme: Any, written: str) -> None:
    schemes = {"components": {"securitySchemes": {"a": scheme}}, "security": [{"a": []}]} if scheme else {}
    made = scaffold(WANTED, read(tmp_path, answering(ROWS, **schemes)), Masters())
    assert f"  {written} #" in made.text
    file = tmp_path / "county_a.yaml"
    file.write_text(made.text, "utf-8")
    assert load_source(file).options["path"] == "/list"


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["array", "null"], "items": ROW},
        {"oneOf": [ROWS, {"type": "object"}]},
        {"anyOf": [{"type": "null"}, ROWS]},
        {"type": "array", "items": {"allOf": [{"$ref": "#/Row"}, {"properties": {}}]}},
    ],
    ids=["3.1", "oneOf", "anyOf", "part of itself"],
)
def test_a_list_is_found_however_it_is_written(tmp_path: Path, schema: Any) -> None:
    itself = {"allOf": [{"$ref": "#/Row"}, ROW]}
    assert [field.path for field in read(tmp_path, answering(schema, Row=itself)).fields] == ["bjbh"]


def test_a_schema_that_holds_itself_in_many_ways_is_read_in_part(tmp_path: Path) -> None:
    many = {"properties": {f"p{number}": {"$ref": "#/Many"} for number in range(30)}}
    assert len(read(tmp_path, answering({"type": "array", "items": many}, Many=many)).fields) == 300
    with pytest.raises(Rejected, match=r"source\.sample_empty"):
        read(tmp_path, answering(many, Many=many))


OPERATION = "openapi: 3.0.0\npaths: {/a: {get: {responses: {'200': {content: {x: {schema: %s}}}}}}}\n"


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("api.yaml", "openapi: 3.0.0\npaths: [1, 2]\n", "source.sample_empty"),
        ("api.yaml", "openapi: 3.0.0\npaths: {/a: {get: {responses: [1]}}}\n", "source.sample_empty"),
        ("api.yaml", "openapi: 3.0.0\npaths: {/a: {get: {responses: {'200': {content: a}}}}}\n", "source.sample_empty"),
        ("api.yaml", OPERATION % "{type: array, items: {properties: [a, b]}}", "source.sample_empty"),
        ("api.yaml", OPERATION % "{type: array, items: {$ref: 'file:///etc/passwd'}}", "source.sample_empty"),
        ("api.yaml", OPERATION % "{$ref: '#/paths/~1a'}", "source.sample_empty"),
        ("api.yaml", "openapi: 3.0.0\npaths: !!python/object/apply:os.system ['id']\n", "source.sample_form"),
        ("api.yaml", "openapi: " + "[" * 5_000, "source.sample_form"),
        ("api.json", "[" * 100_000 + "]" * 100_000, "source.sample_form"),
        ("api.json", json.dumps({"a": 5}), "source.sample_empty"),
        ("a.wsdl", "<a/>", "source.sample_form"),
        ("a.wsdl", "no XML", "source.sample_form"),
        ("a.xml", '<!DOCTYPE r [<!ENTITY a "b">]><r><row><x>&a;</x></row></r>', "source.sample_form"),
        ("a.csv", "", "source.sample_form"),
        ("a.csv", "a,a\n1,2\n", "source.sample_form"),
        ("a.csv", "办件编号,评价\n", "source.sample_empty"),
        ("a.xlsx", "<html><table/></html>", "source.sample_form"),
        ("a.txt", "x", "source.sample_form"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_said(tmp_path: Path, name: str, body: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        read(tmp_path, body, name)
    assert refused.value.code == code


def test_parameters_of_another_form_are_passed_over(tmp_path: Path) -> None:
    document = answering(ROWS, security="x", servers={"url": 5})
    document["paths"]["/list"]["get"] |= {"parameters": 5, "requestBody": "x", "security": {"a": 1}}
    assert read(tmp_path, document).known == {"path": "/list", "method": "GET"}
