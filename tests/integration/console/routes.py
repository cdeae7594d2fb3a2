"""Every way into the page."""

from __future__ import annotations

import re

from fastapi import FastAPI
from fastapi.routing import APIRoute


def walk(app: FastAPI) -> list[tuple[str, str]]:
    """Every method and path that the app answers, and some that it doesn't."""
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    assert len(routes) == len(app.routes) >= 8
    known = [(method, re.sub(r"{[^}]*}", "x", route.path)) for route in routes for method in sorted(route.methods)]
    return [*known, ("GET", "/docs"), ("GET", "/openapi.json"), ("POST", "/"), ("GET", "/batches/"), ("GET", "//")]
