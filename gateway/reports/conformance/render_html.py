"""The report as one HTML file: no script, no outside asset; for the screen, light or dark, and for A4."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from gateway.messages import Lang
from gateway.reports.conformance import charts
from gateway.reports.conformance.document import Document
from gateway.reports.conformance.words import Words

TEMPLATES = Path(__file__).parent / "templates"
FINDINGS = 40  # told on the page; the workbook and the JSON hold all
DEFINITIONS = ("period", "identity", "latest", "coverage", "rates", "lag", "error", "null", "masked")
TONES = {"pass": "good", "fail": "bad", "unknown": "calm"}
VERDICTS = {"conforms": "good", "conditional": "warn", "fails": "bad", "no_data": "calm"}


def html(report: Document, lang: Lang = "zh") -> bytes:
    """``report`` as UTF-8."""
    words = Words(lang)
    page = _template().render(
        report=report,
        facts=report.facts,
        w=words,
        t=words.t,
        charts=charts,
        changes={line.figure: line for line in report.comparison},
        definitions=DEFINITIONS,
        FINDINGS=FINDINGS,
        tones=TONES,
        verdict_tone=VERDICTS[report.verdict],
    )
    return page.encode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")
