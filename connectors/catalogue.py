"""The kinds that there are: folders of this package, and those of a site (现场自有连接器) below ``kinds/``.

A site's folder holds a manifest that names a class, ``code: file.py:Class``, its Python file and, if ``gw source new``
is to know the kind, a ``template.yaml`` of its options. The class fulfils
:class:`gateway.connector.Connector`, has its options' model as ``Options``, and is made as
``Class(options, connection, allowed_hosts)``; it may start from :class:`connectors.polled.Polled`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module, resources, util
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from connectors.manifest import MANIFEST, Manifest, read_manifest
from gateway.connector import Connector
from gateway.errors import Misconfigured
from gateway.settings import Connection, load
from schemas.source import SourceFile

Build = Callable[[SourceFile, Connection, str], Connector]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind, ready to build connectors."""

    options: type[BaseModel]
    build: Build


def folders() -> dict[str, Traversable]:
    """Folders that hold a manifest, by the kind's name; a site's own never take the place of one of ours."""
    roots: list[Traversable] = [load().kinds_dir, resources.files("connectors")]
    return {
        entry.name: entry
        for root in roots
        if root.is_dir()
        for entry in sorted(root.iterdir(), key=lambda entry: entry.name)
        if entry.joinpath(MANIFEST).is_file()
    }


def manifests() -> dict[str, Manifest]:
    return {name: read_manifest(folder) for name, folder in sorted(folders().items())}


def model(kind: str) -> type[BaseModel]:
    """The model of a known kind's options. Raises ``Misconfigured``: ``connector.manifest``, ``connector.code``."""
    folder = folders()[kind]
    code = read_manifest(folder).code
    found = import_module(f"connectors.{kind}") if code is None else _own(kind, Path(str(folder)), code)
    options: type[BaseModel] = found.Options
    return options


def template(kind: str) -> str | None:
    """What a new source's ``options:`` look like; none where a kind has no such file."""
    file = folders()[kind].joinpath("template.yaml")
    return file.read_text(encoding="utf-8") if file.is_file() else None


def find(source: SourceFile, checked: Callable[[SourceFile, type[BaseModel]], Any]) -> Kind:
    """The kind that ``source`` names; ``checked(source, model)`` gives its options.

    Raises ``Misconfigured``: ``connector.unknown_kind``, ``connector.manifest``, ``connector.code``.
    """
    known = folders()
    if source.connector not in known:
        names = ", ".join(sorted(known))
        raise Misconfigured("connector.unknown_kind", source=source.source, kind=source.connector, known=names)
    code = read_manifest(known[source.connector]).code
    if code is None:
        module = import_module(f"connectors.{source.connector}")
        return Kind(module.Options, module.build)
    own = _own(source.connector, Path(str(known[source.connector])), code)
    return Kind(own.Options, lambda source, connection, hosts: own(checked(source, own.Options), connection, hosts))


def _own(kind: str, folder: Path, code: str) -> Any:
    """The class of a site's kind. Whatever its file raises when it is read is its author's to mend."""
    file, _, name = code.partition(":")
    module_name = f"site_kinds.{kind}"
    try:
        spec = util.spec_from_file_location(module_name, folder / file)
        assert spec is not None and spec.loader is not None  # noqa: S101, PT018
        module = util.module_from_spec(spec)
        sys.modules[module_name] = module  # pydantic looks annotations up there
        spec.loader.exec_module(module)
        found = getattr(module, name)
        fits = issubclass(found.Options, BaseModel)
    except Exception as broken:
        raise Misconfigured("connector.code", kind=kind, code=code, failure=type(broken).__name__) from broken
    if not fits:
        raise Misconfigured("connector.code", kind=kind, code=code, failure="Options")
    return found
