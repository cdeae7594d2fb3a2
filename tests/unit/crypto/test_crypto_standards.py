"""The vectors of schemes that the gateway meets but does not offer, on the primitives that it uses."""

from __future__ import annotations

import json
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from gateway.crypto import sm2
from gateway.crypto.digest import sm3, sm3_hex
from tests.unit.crypto.hcpb import VECTORS, vector

CURVE = bytes.fromhex(  # a, b, Gx, Gy of sm2p256v1
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"
    "28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
    "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
)


def sm4_ecb(key: bytes, text: bytes, times: int = 1) -> bytes:
    context = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()
    for _ in range(times):
        text = context.update(text)
    return text


def padded(text: bytes) -> bytes:
    padder = PKCS7(128).padder()
    return padder.update(text) + padder.finalize()


def test_sm4_is_the_standards_block_cipher() -> None:
    cases = vector("sm4.json")
    for name, times in (("ecb", 1), ("ecb_1000000", 1_000_000)):
        case = {part: bytes.fromhex(text) for part, text in cases[name].items()}
        assert sm4_ecb(case["key"], case["pt"], times) == case["ct"]
    case = {part: bytes.fromhex(text) for part, text in cases["ctr"].items()}
    assert Cipher(algorithms.SM4(case["key"]), modes.CTR(case["iv"])).encryptor().update(case["pt"]) == case["ct"]


def test_the_standards_files_verify_and_open() -> None:
    key = sm2.load_private((VECTORS / "gbt32918_5_key.pem").read_bytes())
    message, signature = (VECTORS / "message.bin").read_bytes(), (VECTORS / "message.sig.der").read_bytes()
    assert sm2.verify(key.public, message, signature)
    assert sm2.decrypt(key, (VECTORS / "encrypted.der").read_bytes()) == b"encryption standard"


def test_the_key_exchange_hashes_as_the_standard_does() -> None:
    """The exchange itself is nowhere used; its identities and its key derivation are SM3 alone."""
    case = vector("sm2_key_exchange.json")
    for party in "AB":
        name = case[f"ID{party}"].encode()
        identity = (len(name) * 8).to_bytes(2) + name + CURVE + bytes.fromhex(case[f"P{party}"])
        assert sm3_hex(identity).upper() == case[f"Z{party}"]
    shared = bytes.fromhex(case["U"] + case["ZA"] + case["ZB"])
    assert sm3(shared + (1).to_bytes(4))[: case["klen_bits"] // 8].hex().upper() == case["K"]


def test_the_medical_insurance_style_is_reproduced() -> None:
    case = vector("nhsa_style.json")
    step = sm4_ecb(case["appId"][:16].encode(), padded(case["appSecret"].encode()))
    assert step.hex().upper() == case["step1_sm4_ecb_pkcs7_appSecret_under_appId16"]
    key = step.hex().upper()[:16]
    assert key == case["derived_sm4_key_ascii"]
    assert sm4_ecb(key.encode(), padded(case["plaintext"].encode())).hex().upper() == case["encData"]
    assert sm3_hex(case["sign_string"].encode()) == case["sign_string_sm3"]
    given = case["sign_input"]
    data = {name: value for name, value in sorted(given["data"].items()) if value}
    written = {**given, "data": json.dumps(data, ensure_ascii=False, separators=(",", ":"))}
    pairs = [f"{name}={value}" for name, value in sorted(written.items())]
    assert "&".join([*pairs, f"key={case['appSecret']}"]) == case["sign_string"]


def test_every_vector_has_a_test() -> None:
    said = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parents[2].rglob("*.py"))
    for path in VECTORS.glob("*.*"):
        assert path.name in said or path.name == "README.md", path.name
