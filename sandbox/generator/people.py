"""Invented applicants: natural persons born before 1910, and units whose credit codes no registry issued."""

from __future__ import annotations

from hashlib import sha256
from random import Random

from sandbox.checkdigit import credit_code, organization_code, person_number
from sandbox.generator.model import Applicant

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
DOUBLE_SURNAMES = ("欧阳", "司马", "诸葛", "上官", "夏侯")
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂红玉华建国文武春花志远思源雨晨子轩梓涵若曦䶮㐂"
PLACES = ("广安", "浓洄", "北辰", "中桥", "枣山", "协兴", "花桥", "官盛", "大龙", "恒升")
TRADES = ("食品", "建材", "运输", "餐饮", "种植", "商贸", "文化传媒", "机械", "医药", "物业服务")
# applicant_type: (what it is called, prefix of its credit code)
UNITS = {
    "2": ("{place}{trade}有限公司", "91"),
    "3": ("{place}{trade}服务中心", "12"),
    "4": ("{place}{trade}协会", "51"),
    "6": ("{place}街道办事处", "11"),
    "9": ("{place}{trade}专业合作社", "93"),
}
COARSE_KINDS = ("1", "2")
BIRTH_YEARS = (1880, 1909)


def person(random: Random) -> Applicant:
    """A natural person of 广安区 with a valid 公民身份号码."""
    surname = random.choice(DOUBLE_SURNAMES) if random.random() < 0.03 else random.choice(SURNAMES)
    name = surname + "".join(random.choices(GIVEN, k=random.choice((1, 2, 2))))
    born = f"{random.randint(*BIRTH_YEARS)}{random.randint(1, 12):02}{random.randint(1, 28):02}"
    number = person_number(f"511602{born}{random.randint(0, 999):03}")
    return _applicant(random, "1", name, "111", number)


def unit(random: Random, kind: str) -> Applicant:
    """An enterprise or another unit of ``kind`` (applicant_type) with a valid credit code."""
    pattern, prefix = UNITS[kind]
    name = pattern.format(place=random.choice(PLACES), trade=random.choice(TRADES))
    body = "MB" + "".join(random.choices("0123456789ABCDEFGH", k=6))
    return _applicant(random, kind, name, "001", credit_code(f"{prefix}511602{organization_code(body)}"))


def crowd(random: Random, size: int, kinds: tuple[str, ...]) -> list[Applicant]:
    """``size`` applicants, four fifths of them persons, the rest of ``kinds`` (mostly enterprises)."""
    units = [kind for kind in kinds if kind != "1"]
    weights = [8 if kind == "2" else 1 for kind in units]
    return [
        unit(random, random.choices(units, weights)[0]) if units and random.random() < 0.2 else person(random)
        for _ in range(size)
    ]


def _applicant(random: Random, kind: str, name: str, certificate_type: str, certificate: str) -> Applicant:
    mark = sha256(f"mark {certificate}".encode()).hexdigest()
    return Applicant(kind, name, certificate_type, certificate, mark, f"19900{random.randint(0, 999_999):06}")
