"""Field mapping (字段映射): one compiled mapping per source, from bytes to canonical records or all problems."""

from gateway.mapping.compiled import MAPPING_BUG, Mapping, compile_mapping
from gateway.mapping.entry import Entries, Entry, prepare
from gateway.mapping.masters import Masters, load_masters
from gateway.mapping.outcome import CanonicalRecord, Outcome, Problem
from gateway.mapping.sentence import sentence
from gateway.mapping.sources import BrokenSource, load_source, load_sources, survey

__all__ = [
    "MAPPING_BUG",
    "BrokenSource",
    "CanonicalRecord",
    "Entries",
    "Entry",
    "Mapping",
    "Masters",
    "Outcome",
    "Problem",
    "compile_mapping",
    "load_masters",
    "load_source",
    "load_sources",
    "prepare",
    "sentence",
    "survey",
]
