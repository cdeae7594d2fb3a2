"""Short titles of quarantine reasons, and failures that are remembered and retold."""

from __future__ import annotations

import pytest

from gateway.domain.problem import PROBLEMS
from gateway.errors import Transient
from gateway.messages import LANGUAGES, Lang, catalogue, keep, reason, retell


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("code", sorted(PROBLEMS))
def test_every_problem_has_a_short_title(code: str, lang: Lang) -> None:
    title = catalogue(lang)[f"reason.{code}"]
    assert reason(code, lang) == title
    assert not set(title) & set("{}。；")
    assert len(title) <= {"zh": 20, "en": 45}[lang]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_titles_tell_reasons_apart(lang: Lang) -> None:
    titles = [sentence for code, sentence in catalogue(lang).items() if code.startswith("reason.")]
    assert len(titles) == len(set(titles))


def test_a_code_of_the_platform_s_own_is_shown_as_it_is() -> None:
    assert reason("platform.made.up") == "platform.made.up"


def test_a_remembered_failure_is_told_in_either_language() -> None:
    kept = keep(Transient("net.server_error", address="portal.example", status=502))
    for lang in LANGUAGES:
        told = retell("net.server_error", kept, lang)
        assert "portal.example" in told
        assert "502" in told


def test_the_other_side_s_words_are_never_retold() -> None:
    assert "张三" not in retell("batch.malformed", "张三 13800138000")
    assert "{" not in retell("batch.malformed", "张三 13800138000")


def test_an_answer_without_a_reason_is_told_by_its_status() -> None:
    assert "502" in retell("http.502", "")
    assert "502" in retell("http.502", None, "en")


def test_what_was_kept_wins_over_what_is_known() -> None:
    kept = keep(Transient("soap.not_sent", host="h1", reason="dns"))
    assert "h1" in retell("soap.not_sent", kept, host="h2")
    assert "h2" in retell("soap.not_sent", None, host="h2")
