"""Rules of one evaluation (records.md 1, 2, 5 and 7): good at the edge, bad beyond it."""

from __future__ import annotations

from tests.rules.ground import AGENT, PERSON
from tests.rules.pair import Pair, at

CREDIT = "11440232MB2D06811W"
UNIT = {"user_prop": "2", "user_page_type": "001"}
NO_TYPE = {"user_page_type": None, "cert_key_gov": "110105194912310021"}

NEGATIVE = {"indicators": None, "writing_evaluation": None}
EVALUATION_PAIRS: list[Pair] = [
    Pair(
        "5.1 negative needs detail",
        "evaluation",
        [
            {"satisfaction": "3", **NEGATIVE},
            {"satisfaction": "1", **NEGATIVE, "indicators": ["108"]},
            {"satisfaction": "2", **NEGATIVE, "indicators": ["207"]},
            {"satisfaction": "1", **NEGATIVE, "writing_evaluation": "慢"},
        ],
        [
            {"satisfaction": "1", **NEGATIVE},
            {"satisfaction": "2", **NEGATIVE},
            {"satisfaction": "2", "indicators": [], "writing_evaluation": " \u3000\n"},
        ],
        "evaluation.negative_without_detail",
        "indicators",
    ),
    Pair(
        "5.2 level of indicators",
        "evaluation",
        [{"indicators": ["510", "511"]}],
        [{"indicators": ["510", "410"]}, {"satisfaction": "4", "indicators": ["510"]}],
        "indicator.level_mismatch",
        "indicators",
    ),
    Pair(
        "5.2 unknown indicator",
        "evaluation",
        [{"indicators": ["510"]}],
        [{"indicators": ["599"]}, {"indicators": ["510", "599"]}],
        "indicator.unknown",
        "indicators",
        "W",
    ),
    Pair(
        "5.2 disabled indicator",
        "evaluation",
        [{"indicators": ["510"]}],
        [{"indicators": ["501"]}],
        "indicator.disabled",
        "indicators",
        "W",
    ),
    Pair(
        "2 repeated indicator",
        "evaluation",
        [{"indicators": ["510", "511"]}],
        [{"indicators": ["510", "510"]}, {"indicators": ["511", "510", "511"]}],
        "indicator.repeated",
        "indicators",
        "W",
    ),
    Pair(
        "6.3 certificate 111 of an evaluator",
        "evaluation",
        [{"cert_key_gov": PERSON.lower()}, {"user_page_type": "414", "cert_key_gov": "G1234567"}, NO_TYPE],
        [{"cert_key_gov": "110105194912310021"}, {"cert_key_gov": CREDIT}],
        "identity.check_digit",
        "cert_key_gov",
    ),
    Pair(
        "6.1 certificate 001 of an evaluator",
        "evaluation",
        [{**UNIT, "cert_key_gov": CREDIT}],
        [{**UNIT, "cert_key_gov": CREDIT[:-1] + "X"}, {**UNIT, "cert_key_gov": PERSON}],
        "identity.check_digit",
        "cert_key_gov",
    ),
    Pair(
        "6.3 certificate of an evaluator's agent",
        "evaluation",
        [AGENT, {**AGENT, "handle_user_page_type": "414"}],
        [{**AGENT, "handle_user_page_code": "110105194912310021"}],
        "identity.check_digit",
        "handle_user_page_code",
    ),
    *(
        Pair(
            f"2 an evaluator's agent without {lacking}",
            "evaluation",
            [AGENT, dict.fromkeys(AGENT)],
            [{**AGENT, lacking: None}, {**AGENT, lacking: " "}],
            "agent.incomplete",
            lacking,
        )
        for lacking in AGENT
    ),
    Pair(
        "7 an evaluator's mark that is a plain number",
        "evaluation",
        [{"cert_key": "m" * 18}],
        [{"cert_key": PERSON}, {"cert_key": CREDIT}, {"cert_key": "110105491231002"}],
        "identity.plain_cert_key",
        "cert_key",
        "W",
    ),
    Pair(
        "7 an evaluating unit with a person's certificate",
        "evaluation",
        [{"user_prop": "1"}, {"user_prop": None}],
        [{"user_prop": "2"}],
        "identity.kind_mismatch",
        "user_page_type",
        "W",
    ),
    Pair(
        "5.3 assess after service",
        "evaluation",
        [{"assess_time": at("10:00:00")}],
        [{"assess_time": at("09:59:59")}],
        "time.before_service",
        "assess_time",
    ),
    Pair(
        "5.3 assess at most five minutes after receipt",
        "evaluation",
        [{"assess_time": "2026-11-21 10:05:00"}],
        [{"assess_time": "2026-11-21 10:05:01"}],
        "time.future",
        "assess_time",
    ),
    Pair(
        "5.5 default flag and origin",
        "evaluation",
        [
            {"is_default": "1", "origin": "default"},
            {"origin": "unknown"},
            {"origin": "agent_recorded"},
        ],
        [
            {"is_default": "1"},
            {"is_default": "1", "origin": "unknown"},
            {"is_default": "1", "origin": "agent_recorded"},
            {"origin": "default"},
        ],
        "evaluation.default_origin_conflict",
        "is_default",
    ),
    Pair(
        "2 rounds above 2 are kept with a warning",
        "evaluation",
        [{"assess_number": "1"}, {"assess_number": "2"}],
        [{"assess_number": "3"}, {"assess_number": "99"}],
        "code.unknown",
        "assess_number",
        "W",
    ),
    Pair(
        "7 personal data in free text",
        "evaluation",
        [{"writing_evaluation": "等了30分钟，2026-11-20到3号窗口"}],
        [
            {"writing_evaluation": "请打13800138000"},
            {"writing_evaluation": "身份证" + PERSON},
            {"writing_evaluation": "座机0826-2345678"},
            {"writing_evaluation": "邮箱ren@example.cn"},
        ],
        "text.contains_personal_data",
        "writing_evaluation",
        "W",
    ),
    Pair(
        "5.6 no rating, no evaluation",
        "evaluation",
        [{}],
        [{"satisfaction": "0"}, {"satisfaction": None}, {"satisfaction": ""}],
        "satisfaction.unrated",
        "satisfaction",
        "W",
    ),
    Pair(
        "2 satisfaction is 1 to 5",
        "evaluation",
        [{}],
        [{"satisfaction": "6"}, {"satisfaction": "9"}, {"satisfaction": "很好"}, {"satisfaction": "5.5"}],
        "satisfaction.unknown",
        "satisfaction",
    ),
]
