"""What of a raw value may stand in a report that leaves the house.

Stricter than the masking on screens: free text is never shown, nor a value of something that is no attribute (a
platform's own words); and a value in any other field that could be a person's name, put there by mistake, is masked.
"""

from __future__ import annotations

import re

from gateway.domain import mask
from schemas.attributes import ATTRIBUTES

LONGEST = 60
LONGEST_WORD = 20  # of a value that should be a code: beyond, somebody has written a sentence
_FREE_TEXT = frozenset({"writing_evaluation", "rectification", "project_name", "service_name", "sub_matter"})
_NUMBERED = frozenset({"task_code", "task_handle_item", "dept_code", "org_code", "area_code", "project_no"})
_KNOWN = frozenset(name for attributes in ATTRIBUTES.values() for name in attributes)
_CODED = frozenset(name for attributes in ATTRIBUTES.values() for name, it in attributes.items() if it.code_list)
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢"
    "安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路"
    "游辛靳管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全"
    "佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝"
)
_NAME = re.compile(rf"[{_SURNAMES}·][\u3400-\u9fff·]{{1,3}}")
_LIKE_A_NUMBER = re.compile(r"[0-9A-Za-z*]{15,}")


def shown(field: str, value: str | None) -> str | None:
    """``value`` of attribute ``field``, masked; none where nothing of it may be shown."""
    if value is None or field not in _KNOWN or field in _FREE_TEXT:
        return None
    if field in _CODED and len(value) > LONGEST_WORD:
        return None
    masked = mask.field(field, value)
    if masked == value and _NAME.fullmatch(value.strip()):
        masked = mask.name(value.strip())
    elif masked == value and field not in _NUMBERED and _LIKE_A_NUMBER.fullmatch(value.strip()):
        masked = mask.number(value.strip())
    return masked if len(masked) <= LONGEST else masked[: LONGEST - 1] + "…"
