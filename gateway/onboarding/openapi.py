"""OpenAPI documents (接口文档), 3 and Swagger 2: which list is asked, how, and which fields its records have.

Documents come from vendors and are often not quite what their version says, refer to themselves, and are large. So
whatever is not of the expected form counts as not there, and of one operation no more than ``MOST_STEPS`` parts are
looked at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from gateway.onboarding.seen import Sample, SeenField, Told

MOST_STEPS = 5_000
MOST_FIELDS = 300
DEEPEST = 6
ASKED = ("get", "post")
GOOD: tuple[Any, ...] = ("200", 200, "default")  # YAML reads a bare 200 as a number
PARAMETERS = {  # parts of the options, and what such a parameter is called
    "since_param": ("since", "after", "start", "from", "begin", "update"),
    "cursor_param": ("cursor", "token"),
    "size_param": ("size", "limit", "rows", "count"),
    "page_param": ("page", "current"),
}
Object = Mapping[str, Any]


def is_openapi(document: Any) -> bool:
    return isinstance(document, dict) and ("openapi" in document or "swagger" in document)


def described(document: Object, operation: str | None) -> Sample | None:
    """The operation whose answer lists records of the most fields, or ``operation`` (its path or id)."""
    return _Description(document).sample(operation)


class _Description:
    def __init__(self, document: Object) -> None:
        self._document = document
        self._steps = MOST_STEPS

    def sample(self, wanted: str | None) -> Sample | None:
        best: Sample | None = None
        for path, method, operation in self._operations():
            if wanted and wanted not in (path, operation.get("operationId")):
                continue
            fields, where = self._answered(operation)
            if fields and (best is None or len(fields) > len(best.fields)):
                known: dict[str, Told] = {"path": self._base() + path, "method": method, "records": where}
                known |= {**self._asked(operation), "auth": self._auth(operation)}
                told = {name: one for name, one in known.items() if one}
                best = Sample(fields, {"list": where} if where else {}, told)
        return best

    def _operations(self) -> Iterator[tuple[str, str, Object]]:
        for path, item in _object(self._document.get("paths")).items():
            for method in ASKED:
                if operation := _object(_object(item).get(method)):
                    self._steps = MOST_STEPS
                    yield str(path), method.upper(), operation

    def _answered(self, operation: Object) -> tuple[list[SeenField], str]:
        """Fields of the list that the operation's good answer holds, and where that list stands."""
        answers = _object(operation.get("responses"))
        answer = self._resolved(next((answers[key] for key in GOOD if key in answers), None))
        for content in (*_object(answer.get("content")).values(), answer):  # OpenAPI 3, then Swagger 2
            for path, record in self._lists(self._resolved(_object(content).get("schema"))):
                fields = list(islice(self._fields(record, ()), MOST_FIELDS))
                if fields:
                    return fields, ".".join(path)
        return [], ""

    def _lists(self, schema: Object) -> Iterator[tuple[tuple[str, ...], Object]]:
        """Lists within ``schema``, the nearest first: their place, and what an item of them is."""
        waiting: deque[tuple[tuple[str, ...], Object]] = deque([((), schema)])
        while waiting and self._steps > 0:
            path, one = waiting.popleft()
            if _is_list(one):
                yield path, self._resolved(one.get("items"))
            elif len(path) < DEEPEST:
                below = _object(one.get("properties")).items()
                waiting.extend(((*path, str(name)), self._resolved(part)) for name, part in below)

    def _fields(self, schema: Object, path: tuple[str, ...]) -> Iterator[SeenField]:
        for name, below in _object(schema.get("properties")).items():
            one, here = self._resolved(below), (*path, str(name))
            if _object(one.get("properties")) and len(here) < DEEPEST:
                yield from self._fields(one, here)
            else:
                values = [*_list(one.get("enum")), *([one["example"]] if "example" in one else ())]
                label = str(one.get("title") or one.get("description") or name)
                yield SeenField(".".join(here), label, tuple(str(value) for value in values))

    def _asked(self, operation: Object) -> dict[str, str]:
        """Names of its parameters by what they are for, and whether they go into a body of JSON."""
        parameters = [self._resolved(one) for one in _list(operation.get("parameters"))]
        names = [str(one.get("name", "")) for one in parameters if one.get("in") != "body"]
        bodies = [one.get("schema") for one in parameters if one.get("in") == "body"]  # Swagger 2
        contents = _object(self._resolved(operation.get("requestBody")).get("content"))
        bodies += [_object(one).get("schema") for kind, one in contents.items() if "json" in str(kind)]
        inside = _by_purpose([name for body in bodies for name in self._names(body)])
        return {**inside, "send": "json"} if inside else _by_purpose(names)

    def _names(self, schema: Any) -> list[str]:
        return [field.path for field in islice(self._fields(self._resolved(schema), ()), MOST_FIELDS)]

    def _auth(self, operation: Object) -> dict[str, str]:
        """The ``auth`` block, where its first scheme says all of it. A bearer's token may need a login: not guessed."""
        schemes = _object(_object(self._document.get("components")).get("securitySchemes"))
        schemes = schemes or _object(self._document.get("securityDefinitions"))
        wanted = _list(operation.get("security", self._document.get("security")))
        names = [str(name) for one in wanted for name in _object(one)]
        scheme = self._resolved(schemes.get(names[0])) if names else {}
        match scheme:
            case {"type": "basic"} | {"type": "http", "scheme": "basic"}:
                return {"kind": "basic"}
            case {"type": "apiKey", "in": "header" | "query" as place, "name": str(name)}:
                return {"kind": "api_key", place: name}
            case {"type": "oauth2"}:
                flow = _object(scheme.get("flows")).get("clientCredentials")
                older = scheme if scheme.get("flow") == "application" else {}
                path = _path(_object(flow or older).get("tokenUrl"))
                return {"kind": "oauth2", "path": path} if path else {}
        return {}

    def _base(self) -> str:
        """The path that all others are below."""
        servers = _list(self._document.get("servers"))
        return _path(_object(servers[0]).get("url") if servers else self._document.get("basePath")).rstrip("/")

    def _resolved(self, node: Any, depth: int = 0) -> Object:
        """``node`` with its reference followed, and its parts or choices put together; nothing outside is read."""
        self._steps -= 1
        if self._steps < 0 or depth > DEEPEST:
            return {}
        for _ in range(DEEPEST):
            reference = str(_object(node).get("$ref", ""))
            if not reference.startswith("#/"):
                break
            node = self._referred(reference)
        own = _object(node)
        inside = [one for key in ("allOf", "oneOf", "anyOf") for one in _list(own.get(key))]
        parts = [part for one in inside if (part := self._resolved(one, depth + 1)).get("type") != "null"]
        properties = {name: one for part in (*parts, own) for name, one in _object(part.get("properties")).items()}
        whole = {name: one for part in (*reversed(parts), own) for name, one in part.items()}
        return {**whole, "properties": properties} if properties else whole

    def _referred(self, reference: str) -> Any:
        node: Any = self._document
        for part in reference[2:].split("/"):
            node = _object(node).get(part.replace("~1", "/").replace("~0", "~"))
        return node


def _path(url: Any) -> str:
    """The path of an address that is written out; empty for any other."""
    try:
        path = urlsplit(str(url or "")).path
    except ValueError:
        return ""
    return path if path.startswith("/") and "{" not in path else ""


def _by_purpose(names: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for part, marks in PARAMETERS.items():
        fitting = (name for name in names if name not in found.values() and any(mark in name.lower() for mark in marks))
        if name := next(fitting, None):
            found[part] = name
    return found


def _is_list(schema: Object) -> bool:
    kind = schema.get("type")
    return kind == "array" or "array" in _list(kind)  # 3.1: ["array", "null"]


def _object(node: Any) -> Object:
    return node if isinstance(node, dict) else {}


def _list(node: Any) -> list[Any]:
    return node if isinstance(node, list) else []
