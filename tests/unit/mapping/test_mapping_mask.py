from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import mask


@pytest.mark.parametrize(
    ("attribute", "value", "shown"),
    [
        ("user_name", "张三", "张*"),
        ("user_name", "张小三", "张*三"),
        ("user_name", "欧阳小三", "欧**三"),
        ("user_name", "张", "*"),
        ("mobile", "13800138000", "138****8000"),
        ("mobile", "12345", "*****"),
        ("cert_key_gov", "11010519491231002X", "1****************X"),
        ("writing_evaluation", "打13800138000或0826-2345678", "打138****8000或082*****5678"),
        ("writing_evaluation", "证号11010519491231002X。", "证号1****************X。"),
        ("writing_evaluation", "写信 zhang@example.com", "写信 z***@example.com"),
        ("service_number", "首次", "首次"),
    ],
)
def test_masking(attribute: str, value: str, shown: str) -> None:
    assert mask.field(attribute, value) == shown


@pytest.mark.parametrize("value", ["等了30天", "编号20261120", "一共 12 345 元", "电话12345"])
def test_plain_numbers_are_no_personal_data(value: str) -> None:
    assert not mask.holds_personal_data(value)


@pytest.mark.parametrize(
    "value", ["13800138000", "+8613800138000", "138 0013 8000", "11010519491231002x", "130503670401001", "a@b.cn"]
)
def test_personal_data_in_text_is_found(value: str) -> None:
    assert mask.holds_personal_data(f"请联系{value}谢谢")


@given(st.text(max_size=40), st.sampled_from(["user_name", "mobile", "cert_key", "writing_evaluation"]))
def test_masking_never_fails_nor_grows_names(value: str, attribute: str) -> None:
    shown = mask.field(attribute, value)
    if attribute != "writing_evaluation":
        assert len(shown) == len(value)
