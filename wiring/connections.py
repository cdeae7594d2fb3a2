"""Connection types (连接类型) of the gateway in Airflow: a form with Chinese labels for each kind. Pure data.

Registered by the entry point ``apache_airflow_provider``; the hooks behind the test button stand in
:mod:`wiring.hooks`.
"""

from __future__ import annotations

from typing import Any

PREFIX = "gateway_"
HOST = "填地址，不带协议和路径；须在 GW_ALLOWED_HOSTS 中"
TEXT, SECRET, LONG = {"type": ["string", "null"]}, {"type": ["string", "null"], "format": "password"}, "multiline"


def _field(label: str, description: str = "", **schema: Any) -> dict[str, Any]:
    shown = {"label": label, "schema": {**TEXT, **schema}}
    return shown | ({"description": description} if description else {})


SOURCE = _field("数据源编号", "选填：填了，“测试”就按该数据源逐步试连；不填只看地址、口令能否连上")
TLS = {
    "ca": _field("CA 证书文件", "自建 CA 时填服务器上的文件路径"),
    "cert": _field("客户端证书文件", "双向 TLS"),
    "key": _field("客户端私钥文件", "双向 TLS"),
}
FORMS: dict[str, dict[str, Any]] = {
    "rest": {
        "name": "好差评·REST 接口",
        "labels": {
            "schema": "协议（https 或 http）",
            "login": "账号 / client_id / paasid",
            "password": "口令 / 密钥 / 令牌",
        },
        "fields": {
            **TLS,
            "cipher_key": _field("SM4 密钥", "报文加密时填", format="password"),
            "cipher_iv": _field("SM4 初始向量", format="password"),
            "sm2_key": _field("SM2 私钥文件"),
            "sm2_passphrase": _field("SM2 私钥口令", format="password"),
        },
    },
    "soap": {
        "name": "好差评·SOAP 接口",
        "labels": {"schema": "协议（https 或 http）", "login": "账号", "password": "口令 / 令牌"},
        "fields": {"path": _field("服务路径", "填了就代替数据源文件里的 path"), **TLS},
    },
    "hotline": {
        "name": "好差评·12345 热线",
        "labels": {"schema": "协议（https 或 http）", "login": "账号", "password": "令牌"},
        "fields": {"path": _field("服务路径", "填了就代替 targets/hotline.yaml 里的 path"), **TLS},
    },
    "sftp_files": {
        "name": "好差评·文件目录",
        "labels": {"login": "账号", "password": "口令"},
        "hidden": ["schema"],
        "fields": {
            "host_key": _field("主机公钥", "SFTP 必填，如 ssh-ed25519 AAAA…"),
            "private_key": _field("SSH 私钥", "PEM 文本，未加密", format=LONG),
            "fingerprint": _field("FTPS 证书指纹", "SHA-256"),
        },
    },
    "database": {
        "name": "好差评·前置库",
        "labels": {"schema": "库名", "login": "账号（只读）", "password": "口令"},
        "fields": {
            "engine": _field("数据库种类", enum=["postgresql", "mysql", "mariadb", "sqlite", "other"], default="mysql"),
            "url": _field("其他数据库地址", "种类为 other 时填 SQLAlchemy 地址，不带账号口令"),
        },
    },
    "inbox": {
        "name": "好差评·推送接收",
        "labels": {},
        "hidden": ["host", "port", "schema", "login", "password"],
        "fields": {"keys": _field("密钥", 'JSON：{"名字": "密钥或公钥"}，名字同数据源文件的 secret', format="json")},
    },
}
PLAIN = {**dict.fromkeys(("rest", "soap", "hotline", "inbox"), "http"), "sftp_files": "sftp"}
STANDARD = {"host": "地址", "port": "端口", "description": "说明"}


def provider_info() -> dict[str, Any]:
    """What Airflow asks of a provider."""
    return {
        "package-name": "haochaping-gateway",
        "name": "好差评网关",
        "description": "政务服务“好差评”省级对接网关的连接类型",
        "connection-types": [_connection_type(kind, form) for kind, form in FORMS.items()],
    }


def from_form(
    conn_type: str,
    host: str | None,
    port: int | None,
    login: str | None,
    password: str | None,
    schema: str | None,
    extra: dict[str, Any],
) -> dict[str, Any]:
    """A connection of Airflow as :class:`gateway.settings.Connection` takes it; other types go through unchanged."""
    given = {name: value for name, value in extra.items() if value not in (None, "")}
    kind = conn_type.removeprefix(PREFIX) if conn_type.startswith(PREFIX) else ""
    plain = PLAIN.get(kind, conn_type)
    if kind == "database":
        plain = str(given.pop("engine", "mysql"))
    if isinstance(given.get("keys"), str):
        given["keys"] = _object(str(given["keys"]))
    return {
        "conn_type": plain,
        "host": host or "",
        "port": port,
        "login": login or "",
        "password": password or "",
        "schema": schema or "",
        "extra": given,
    }


def _object(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError:
        return {}


def _connection_type(kind: str, form: dict[str, Any]) -> dict[str, Any]:
    return {
        "connection-type": PREFIX + kind,
        "hook-name": form["name"],
        "hook-class-name": f"wiring.hooks.{''.join(part.title() for part in kind.split('_'))}Hook",
        "ui-field-behaviour": {
            "hidden-fields": [*form.get("hidden", ()), "extra"],
            "relabeling": {**STANDARD, **form["labels"]},
            "placeholders": {"host": HOST} if "host" not in form.get("hidden", ()) else {},
        },
        "conn-fields": {"source": SOURCE, **form["fields"]},
    }
