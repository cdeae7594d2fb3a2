"""Manifests are held to the code: what a kind declares, its options know; what it calls done, a test has proved."""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import connectors
from connectors import catalogue, database, editor, rest, sftp_files
from connectors.inbox.options import Key
from connectors.manifest import LEVELS, Exempt
from connectors.sftp_files.content import FORMS, MEDIA_TYPES
from connectors.soap_options import Result
from gateway.connector import Page
from gateway.errors import Misconfigured, Rejected
from gateway.mapping import Masters
from gateway.onboarding.scaffold import Wanted, scaffold
from gateway.settings import Connection
from tests.contract import (
    test_connector_database,
    test_connector_database_faults,
    test_connector_files,
    test_connector_files_refused,
    test_connector_inbox,
    test_connectors,
    test_hostile,
    test_recorded,
)
from tests.contract.proof import PROVED
from tests.contract.web_rigs import source

ROOT = Path(connectors.__file__).parent
MANIFESTS = catalogue.manifests()
PROOFS = (
    *(test_connectors, test_hostile, test_recorded, test_connector_files, test_connector_files_refused),
    *(test_connector_database, test_connector_database_faults, test_connector_inbox),
)  # what they prove is known once they are imported


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_level_is_what_its_rules_say(kind: str) -> None:
    assert MANIFESTS[kind].lacking() == []


@pytest.mark.parametrize(
    ("kind", "rule"),
    [(kind, rule) for kind, manifest in MANIFESTS.items() for rule, how in manifest.rules.items() if how == "done"],
)
def test_what_is_called_done_is_proved(kind: str, rule: str) -> None:
    assert kind in PROVED[rule]


def test_an_exemption_has_a_reason() -> None:
    rules = [how for manifest in MANIFESTS.values() for how in manifest.rules.values()]
    assert all(how == "done" or (isinstance(how, Exempt) and how.exempt) for how in rules)


@pytest.mark.parametrize("kind", MANIFESTS)
def test_each_kind_has_a_guide_that_names_every_option(kind: str) -> None:
    guide = (ROOT / kind / "README.md").read_text(encoding="utf-8")
    options: type[BaseModel] = import_module(f"connectors.{kind}").Options
    names = {field.alias or name for name, field in options.model_fields.items()}
    assert {name for name in names if not re.search(rf"\b{name}\b", guide)} == set()


@pytest.mark.parametrize("kind", MANIFESTS)
def test_every_kind_of_ours_is_as_good_as_it_gets(kind: str) -> None:
    assert MANIFESTS[kind].quality == list(LEVELS)[-1]


def tags(model: type[BaseModel], field: str, tag: str) -> set[str]:
    """The discriminating values of a union of blocks."""
    schema = model.model_json_schema()
    blocks = schema["properties"][field]["discriminator"]["mapping"]
    return {name for name in blocks if schema["$defs"][blocks[name].rpartition("/")[2]]["properties"][tag]}


def words(model: Any, field: str) -> set[str]:
    """The words that a field takes."""
    return set(get_args(model.model_fields[field].annotation))


CODECS = {"xml": "application/xml", "elements": "application/xml", "json": "application/json", "csv": "text/csv"}
KNOWN: dict[str, dict[str, set[str]]] = {
    "rest": {
        "auth": tags(rest.Options, "auth", "kind"),
        "paging": tags(rest.Options, "paging", "by"),
        "formats": {CODECS[word] for word in words(rest.Options, "format")},
    },
    "soap": {"formats": {CODECS[word] for word in words(Result, "codec")}},
    "hotline": {"formats": {CODECS[word] for word in words(Result, "codec")}},
    "sftp_files": {
        "transport": words(sftp_files.Options, "transport"),
        "formats": {MEDIA_TYPES.get(form, CODECS["csv"]) for form in FORMS.values()},
    },
    "database": {"paging": tags(database.Options, "paging", "by")},
    "inbox": {"auth": words(Key, "algorithm")},
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_kind_declares_what_its_options_know(kind: str) -> None:
    declared = MANIFESTS[kind].model_dump()
    assert {name: set(declared[name]) for name in KNOWN[kind]} == KNOWN[kind]


OWN = """
from pydantic import BaseModel, ConfigDict
from connectors.polled import Polled
from gateway.connector import Page

class Queue(Polled):
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        depth: int

    def __init__(self, options, connection, allowed_hosts):
        self.depth = options.depth

    def walk(self, cursor):
        for number in range(int(cursor or 0), self.depth):
            yield Page(b"[]", "application/json", f"at={number}", str(number + 1), 0)
"""
OWN_MANIFEST = (
    "kind: queue\nname: 现场队列\ncode: queue.py:Queue\ntransport: [x]\nauth: [none]\npaging: [x]\nformats: [x]\n"
)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site's folder of kinds with one kind in it."""
    monkeypatch.setenv("GW_HOME", str(tmp_path))
    folder = tmp_path / "kinds" / "queue"
    folder.mkdir(parents=True)
    (folder / "manifest.yaml").write_text(OWN_MANIFEST, encoding="utf-8")
    (folder / "queue.py").write_text(OWN, encoding="utf-8")
    return folder


def pages(**options: Any) -> list[Page]:
    made = connectors.build(source("queue").model_copy(update={"options": options}), Connection(), "")
    try:
        return list(made.pages("1", lambda _: False))
    finally:
        made.close()


def test_a_sites_own_kind_is_found_by_its_manifest(own: Path) -> None:
    assert "queue" in connectors.kinds()
    assert [page.origin for page in pages(depth=3)] == ["at=1", "at=2"]
    with pytest.raises(Misconfigured, match=r"connector\.option_invalid"):
        pages(depth="many")


@pytest.mark.parametrize(
    ("file", "text", "code"),
    [
        ("manifest.yaml", OWN_MANIFEST.replace("name:", "title:"), "connector.manifest"),
        ("manifest.yaml", OWN_MANIFEST.replace("kind: queue", "kind: other"), "connector.manifest"),
        ("queue.py", "raise ValueError('张三')", "connector.code"),
        ("queue.py", OWN.replace("Queue", "Line"), "connector.code"),
    ],
)
def test_what_is_wrong_with_a_sites_own_kind_is_told(own: Path, file: str, text: str, code: str) -> None:
    (own / file).write_text(text, encoding="utf-8")
    with pytest.raises(Misconfigured) as wrong:
        pages(depth=1)
    assert wrong.value.code == code
    assert "张" not in str(wrong.value)


def test_editors_and_the_scaffold_know_a_sites_own_kind(own: Path) -> None:
    known = json.loads(editor.text())
    assert "queue" in known["properties"]["connector"]["enum"]
    rule = next(rule for rule in known["allOf"] if rule["if"]["properties"]["connector"]["const"] == "queue")
    assert rule["then"]["properties"]["options"]["required"] == ["depth"]
    wanted = Wanted("county_queue", "某县队列", "queue", "county", "某县数据局", "511602000000")
    with pytest.raises(Rejected, match=r"source\.no_template"):
        scaffold(wanted, None, Masters())
    (own / "template.yaml").write_text("depth: 待定 # 取几页，如 $5\n", encoding="utf-8")
    assert "options:\n  depth: 待定 # 取几页，如 $5\n" in scaffold(wanted, None, Masters()).text


def test_a_sites_own_kind_never_takes_the_place_of_ours(own: Path) -> None:
    own.rename(own.parent / "rest")
    assert connectors.kinds().count("rest") == 1
    connectors.validate(test_connectors.source_file("portal"))
