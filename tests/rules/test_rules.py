"""Every rule of records.md, code-lists.json and indicators.json: a good example passes, a bad one is named."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.rules.book import RULES
from tests.rules.ground import Rule, plain, resolved


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rule(rule: Rule) -> None:
    rule.check()


def test_every_rule_stands_once() -> None:
    assert not [name for name, times in Counter(rule.name for rule in RULES).items() if times > 1]


def test_both_ways_stand_behind_the_rules() -> None:
    """A source that only the general way knows would compare it with itself."""
    assert plain().is_quick
    assert resolved().is_quick
