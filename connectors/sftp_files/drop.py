"""The folder where files are dropped (投递目录): which stand there complete, with what beside them, and moving them."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from fnmatch import fnmatchcase

from connectors.sftp_files.checksum import DIGESTS, LONGEST, fits
from connectors.sftp_files.content import is_data
from connectors.sftp_files.options import Options
from gateway.net.folder import Entry, Folder

LONG_AGO = 3600  # seconds; a file that old is not being written, whatever the two clocks think of each other
LONGEST_FLAG = 64  # bytes
ANOTHER = re.compile(r"\.[0-9a-f]{8}(\.\d+)?$")  # ends the name of a file that was put away beside one of its name


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file, the names of what stands beside it (flag and checksum), its folder, and the name it was dropped under."""

    entry: Entry
    beside: tuple[str, ...]
    folder: str
    name: str

    @property
    def mark(self) -> str:
        """Tells this version of the file without reading it."""
        told = hashlib.sha256(f"{self.entry.size}:{self.entry.changed}".encode()).hexdigest()[:8]
        return f"{written(self.name)}@{told}"


class Drop:
    def __init__(self, folder: Folder, options: Options) -> None:
        self._folder, self._options = folder, options

    def look(self, known: Callable[[str], bool] = lambda _: False) -> tuple[list[Dropped], list[str]]:
        """Complete files, oldest first, and the names of those that aren't. A ``known`` file needs no more proof."""
        files = self._listed()
        if self._options.flag_suffix is None:
            proven = [file for file in files if self._is_old(file) or known(file.mark)]
            if len(proven) < len(files):
                time.sleep(self._options.stable_seconds)
                still = {file.entry for file in self._listed()}
                proven = [file for file in files if file in proven or file.entry in still]
        else:
            proven = [file for file in files if file.entry.name + self._options.flag_suffix in file.beside]
        if self._options.checksum == "required":
            proven = [file for file in proven if any(name.lower().endswith(tuple(DIGESTS)) for name in file.beside)]
        return proven, [written(file.entry.name) for file in files if file not in proven]

    def read(self, file: Dropped) -> bytes | None:
        """The whole content; ``None`` when it changed meanwhile, has gone, or doesn't fit the checksum beside it."""
        path = _path(file, file.entry.name)
        content = self._folder.read(path, file.entry.size + 1)
        if content is None or len(content) != file.entry.size or self._folder.stat(path) != file.entry:
            return None
        if self._options.checksum != "ignored":
            for name in file.beside:
                suffix = name[name.rfind(".") :].lower()
                said = self._folder.read(_path(file, name), LONGEST) if suffix in DIGESTS else None
                if said is not None and not fits(content, suffix, said):
                    return None
        return content

    def said_rows(self, file: Dropped) -> int | None:
        """Rows by its flag, if that holds a number."""
        flag = f"{file.entry.name}{self._options.flag_suffix}"
        text = (self._folder.read(_path(file, flag), LONGEST_FLAG) or b"").strip()
        return int(text) if text.isdigit() else None

    def is_there(self, file: Dropped) -> bool:
        return self._folder.stat(_path(file, file.entry.name)) == file.entry

    def put_away(self, file: Dropped, target: str | None) -> None:
        """File first, then what is beside it: a kill in between leaves lone ones, which :meth:`tidy` takes away."""
        if target is None:
            return
        name = self._free_name(file, target)
        self._folder.move(_path(file, file.entry.name), f"{target}/{name}")
        for beside in file.beside:
            self._folder.move(_path(file, beside), f"{target}/{name}{beside.removeprefix(file.entry.name)}")

    def tidy(self) -> None:
        """Take away flags and checksums whose file is put away already."""
        targets = [target for target in (self._options.archive, self._options.error) if target]
        if not targets:
            return
        names = {entry.name for entry in self._folder.entries(self._options.folder)}
        lone = sorted(name for name in names if (of := self._is_of(name)) is not None and of not in names)
        for target in targets if lone else ():
            kept = {entry.name for entry in self._folder.entries(target)}
            for name in lone:
                if self._is_of(name) in kept and name not in kept:
                    self._folder.move(f"{self._options.folder.rstrip('/')}/{name}", f"{target}/{name}")

    def archived(self) -> list[Dropped]:
        """Files that were put away after they were landed, oldest first."""
        if self._options.archive is None:
            return []
        return self._listed(self._options.archive, lambda name: ANOTHER.sub("", name))

    def _listed(self, folder: str | None = None, dropped_as: Callable[[str], str] = str) -> list[Dropped]:
        folder = folder or self._options.folder
        listed = self._folder.entries(folder)
        names = {entry.name for entry in listed}
        files = [
            Dropped(entry, self._beside(entry.name, names), folder, name)
            for entry in listed
            if fnmatchcase(name := dropped_as(entry.name), self._options.pattern) and is_data(name, self._options)
        ]
        return sorted(files, key=order)

    def _beside(self, name: str, names: Collection[str]) -> tuple[str, ...]:
        flags = () if self._options.flag_suffix is None else (self._options.flag_suffix,)
        ends = (*flags, *DIGESTS, *(suffix.upper() for suffix in DIGESTS))
        return tuple(name + end for end in ends if name + end in names)

    def _is_of(self, name: str) -> str | None:
        """The file that ``name`` would stand beside, if it is a flag or a checksum."""
        for end in (self._options.flag_suffix, *DIGESTS):
            if end and name.lower().endswith(end.lower()) and len(name) > len(end):
                return name[: -len(end)]
        return None

    def _is_old(self, file: Dropped) -> bool:
        return time.time() - file.entry.changed > LONG_AGO

    def _free_name(self, file: Dropped, target: str) -> str:
        """Its own name, unless another file was put away under it."""
        name = file.entry.name
        told = file.mark.rpartition("@")[2]
        choices = [name, f"{name}.{told}", *(f"{name}.{told}.{number}" for number in range(2, 1000))]
        return next((choice for choice in choices if self._folder.stat(f"{target}/{choice}") is None), choices[-1])


def order(file: Dropped) -> tuple[int, str]:
    return file.entry.changed, file.entry.name


def _path(file: Dropped, name: str) -> str:
    return f"{file.folder.rstrip('/')}/{name}"


LONGEST_NAME = 200


def written(name: str) -> str:
    """A file's name as it can be stored and shown: what is no character is escaped, an endless one gets a digest."""
    text = name.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    if len(text) <= LONGEST_NAME:
        return text
    return f"{text[: LONGEST_NAME - 17]}~{hashlib.sha256(text.encode()).hexdigest()[:16]}"
