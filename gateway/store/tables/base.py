"""What every table shares."""

from __future__ import annotations

from sqlalchemy import DateTime, MetaData

metadata = MetaData()
Moment = DateTime  # UTC, without zone
