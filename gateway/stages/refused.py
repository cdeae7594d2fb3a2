"""Records that the platform refused (平台退回): back to quarantine with the platform's own words."""

from __future__ import annotations
