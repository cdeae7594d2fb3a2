"""What the OpenAPI document says of requests (接口说明): headers, bodies and answers, in Chinese."""

from __future__ import annotations

from typing import Any

from gateway.inbox.answer import Answer
from gateway.inbox.claim import FORMS, IDEMPOTENCY, KEY, NONCE, SENDER, SIGNATURE, TIMESTAMP
from gateway.inbox.refusal import Refusal

TITLE = "好差评数据推送接口"
DESCRIPTION = """评价器、自助机、应用和县区系统向省级对接网关主动推送评价数据。

**签名**：对下面九行（UTF-8，换行符为 `\\n`，末尾无换行）签名，十六进制写入 `X-Inbox-Signature`：

```
HCP-INBOX-1
请求方法，如 POST
请求路径，如 /inbox/v1/<数据源>/records
X-Inbox-Sender 的值
X-Inbox-Key 的值
X-Inbox-Timestamp 的值
X-Inbox-Nonce 的值
Idempotency-Key 的值（查询回执时为空行）
请求体的 SM3，64 位小写十六进制（没有请求体时为空串的 SM3）
```

算法为 HMAC-SM3（密钥为十六进制所表示的字节），或 SM2（SM3，用户标识 `1234567812345678`）。

**成功的含义**：2xx 一定在原始数据落盘之后才返回。没有收到 2xx，就用**同一幂等键、同一内容、新的时间戳和随机数**重发；
已收过的会得到同样的结果，不会重复入账。"""
MEANING = {
    SENDER: "发送方编号",
    KEY: "密钥编号；轮换期间新旧两把都有效",
    TIMESTAMP: "Unix 时间，秒；与服务器相差不得超过约定（缺省 300 秒）",
    NONCE: "随机数，每次请求都不同；用过的一律拒绝，重启后也一样",
    SIGNATURE: "签名，十六进制",
    IDEMPOTENCY: "幂等键：一批数据一个，重发时不变；不要含姓名、证件号、手机号",
}
REFUSALS = {
    400: "请求不完整",
    401: "身份、签名、时间戳或随机数不对",
    404: "数据源或回执不存在",
    408: "请求体传得太慢",
    409: "同一幂等键已用于不同内容",
    413: "请求体过大",
    415: "内容类型或压缩方式不支持",
    429: "超过限速，按 Retry-After 等待",
    503: "暂时不能落盘，按 Retry-After 重发",
    507: "磁盘已满，通知网关管理员；稍后重发",
}
ANSWERS = {200: "已落盘并逐条处理", 202: "已落盘，尚未处理，稍后凭回执号查询", 422: "已落盘，但整体无法读取，已隔离"}


def extra(*, changes: bool, body: str = "") -> dict[str, Any]:
    """``openapi_extra`` of an operation: signed headers and, where it ``changes`` something, a body."""
    names = [name for name in FORMS if changes or name != IDEMPOTENCY]
    said: dict[str, Any] = {"parameters": [_header(name) for name in names]}
    if changes:
        schema = {"type": "object", "description": body}
        said["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return said


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """``responses`` of an operation."""
    said: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        model = Answer if status in ANSWERS else Refusal
        said[status] = {"model": model, "description": ANSWERS.get(status) or REFUSALS[status]}
    return said


def _header(name: str) -> dict[str, Any]:
    schema = {"type": "string", "pattern": f"^{FORMS[name].pattern}$"}
    return {"name": name, "in": "header", "required": True, "description": MEANING[name], "schema": schema}
