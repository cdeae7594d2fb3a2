"""What the inbox is measured against: a FastAPI endpoint that inserts each record as a row and commits. Nothing else.

No signature, nonce, idempotency key, raw bytes, mapping or encryption. ``python -m bench.bare_inbox URL PORT``
"""

from __future__ import annotations

import json
import sys
import uuid
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import Column, MetaData, String, Table, Text, insert

from gateway.store import connect

rows = Table("bare_record", MetaData(), Column("id", String(32), primary_key=True), Column("body", Text))


class Pushed(BaseModel):
    records: list[dict[str, Any]]


def make_app(url: str) -> FastAPI:
    app, store = FastAPI(), connect(url)
    rows.metadata.create_all(store.engine)

    @app.post("/records")
    def push(pushed: Pushed) -> dict[str, int]:
        found = [{"id": uuid.uuid4().hex, "body": json.dumps(one, ensure_ascii=False)} for one in pushed.records]
        with store.begin() as transaction:
            transaction.execute(insert(rows), found)
        return {"stored": len(found)}

    @app.get("/health/ready")
    def ready() -> dict[str, str]:
        return {"state": "ready"}

    return app


if __name__ == "__main__":
    uvicorn.run(make_app(sys.argv[1]), port=int(sys.argv[2]), log_level="warning", access_log=False)
