"""All rules of the specification, each with its check."""

from __future__ import annotations

from tests.rules import (
    attribute_rules,
    code_rules,
    cross_rules,
    declaration_rules,
    digit_rules,
    normal_rules,
    trap_rules,
)
from tests.rules.ground import Rule

RULES: list[Rule] = [
    *attribute_rules.rules(),
    *code_rules.rules(),
    *cross_rules.rules(),
    *normal_rules.rules(),
    *digit_rules.rules(),
    *trap_rules.rules(),
    *declaration_rules.rules(),
]
