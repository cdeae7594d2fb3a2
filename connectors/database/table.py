"""One table or view of another party, read by keyset and flagged row by row. Names are quoted, values always bound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    and_,
    column,
    false,
    inspect,
    not_,
    or_,
    select,
    table,
    true,
    update,
)
from sqlalchemy.types import NullType, TypeEngine

from connectors.database.engine import reading, writing
from connectors.database.failures import translated
from connectors.database.options import ByFlag, ByTime, Options
from connectors.database.values import encoded, mark
from gateway.errors import Misconfigured

Position = tuple[Any, ...]  # values of the columns that order the rows


@dataclass(frozen=True, slots=True)
class Row:
    position: Position
    record: bytes  # the columns that are landed, as JSON
    mark: str  # of all that is read, key and flag's version included
    version: tuple[Any, ...]
    key: Position


class Table:
    """Raises ``Transient`` and ``Misconfigured`` (``database.…``) only."""

    def __init__(self, engine: Engine, options: Options, address: str) -> None:
        self._engine, self._options, self._address = engine, options, address
        paging = options.paging
        self.order = [paging.column, *options.key] if isinstance(paging, ByTime) else options.key
        self._version = (paging.version or options.columns) if isinstance(paging, ByFlag) else []
        self._read = list(dict.fromkeys([*self.order, *self._version, *options.columns]))

    def check(self) -> None:
        """Connect; table and columns are there. Raises ``Misconfigured('database.missing')``."""
        _ = self._columns

    def rows(self, low: Any = None, after: Position | None = None, until: Position | None = None) -> list[Row]:
        """The next rows in order, one page: beyond ``after``, not beyond ``until``, the first ordering column >= low.

        Raises ``Misconfigured('database.key_not_unique')``.
        """
        wanted = [self._kept(), *(self._column(name).is_not(None) for name in self.order)]
        if low is not None:
            wanted.append(self._column(self.order[0]) >= low)
        if after is not None:
            wanted.append(self._beyond(after))
        if until is not None:
            wanted.append(not_(self._beyond(until)))
        asked = self._asked().where(*wanted).order_by(*(self._column(name) for name in self.order))
        found = self._fetch(asked.limit(self._options.size + 1))
        for left, right in pairwise(found):
            if left.position == right.position:
                raise Misconfigured("database.key_not_unique", table=self._options.table, key=", ".join(self.order))
        return found[: self._options.size]

    def without_place(self) -> bool:
        """Is there a row without a time or a key, which no order holds?"""
        nullable = [name for name in self.order if self._columns[name][2]]
        if not nullable:
            return False
        asked = self._asked().where(self._kept(), or_(*(self._column(name).is_(None) for name in nullable))).limit(1)
        with translated(self._address, "read"), reading(self._engine, self._options.seconds) as connection:
            return connection.execute(asked).first() is not None

    def flag(self, rows: Sequence[Row]) -> None:
        """Set the flag of rows that are still as they were read; one that changed meanwhile stays unset, to be read
        again. May be repeated. Raises ``Misconfigured('database.flag_stuck')`` when an unchanged row can't be matched.
        """
        left = []
        with translated(self._address, "flag"), writing(self._engine, self._options.seconds) as connection:
            for row in rows:
                if connection.execute(self._flagging(row)).rowcount != 1:
                    left.append(row)
        for row in left:
            again = self._fetch(self._one(row))
            if again and again[0].mark == row.mark:
                raise Misconfigured("database.flag_stuck", table=self._options.table, columns=", ".join(self._version))

    def may_flag(self) -> None:
        """The right to set the flag, tried on no row. Raises ``Misconfigured('database.refused')``."""
        paging = self._options.paging
        assert isinstance(paging, ByFlag)  # noqa: S101 - asked by flag only
        nobody = update(self._from).where(false()).values({self._columns[paging.column][0]: paging.done})
        with translated(self._address, "flag"), writing(self._engine, self._options.seconds) as connection:
            connection.execute(nobody)

    def _fetch(self, asked: Any) -> list[Row]:
        with translated(self._address, "read"), reading(self._engine, self._options.seconds) as connection:
            found = connection.execute(asked).fetchall()
        return [self._row(dict(zip(self._read, values, strict=True))) for values in found]

    def _row(self, values: dict[str, Any]) -> Row:
        options = self._options
        record = encoded([values[name] for name in options.columns], options.columns, options.bytes_are)
        whole = encoded(list(values.values()), self._read, options.bytes_are)
        return Row(
            tuple(values[name] for name in self.order),
            record,
            mark(whole),
            tuple(values[name] for name in self._version),
            tuple(values[name] for name in options.key),
        )

    def _flagging(self, row: Row) -> Any:
        paging = self._options.paging
        assert isinstance(paging, ByFlag)  # noqa: S101 - asked by flag only
        same = [_equals(self._column(name), value) for name, value in zip(self._version, row.version, strict=True)]
        done = {self._columns[paging.column][0]: paging.done}
        return update(self._from).where(self._named(row), self._kept(), *same).values(done)

    def _one(self, row: Row) -> Any:
        return self._asked().where(self._named(row), self._kept())

    def _asked(self) -> Any:
        """What is read comes as the driver gives it: a malformed value must not stop its page."""
        return select(*(column(self._columns[name][0]) for name in self._read)).select_from(self._from)

    def _named(self, row: Row) -> ColumnElement[bool]:
        pairs = zip(self._options.key, row.key, strict=True)
        return and_(*(self._column(name) == value for name, value in pairs))

    def _kept(self) -> ColumnElement[bool]:
        """Rows that the options want at all."""
        wanted = dict(self._options.only)
        if isinstance(self._options.paging, ByFlag):
            wanted[self._options.paging.column] = self._options.paging.unset
        return and_(true(), *(_among(self._column(name), values) for name, values in wanted.items()))

    def _beyond(self, position: Position) -> ColumnElement[bool]:
        """(a, b) > (x, y) in words that every database has: a >= x and (a > x or (a = x and b > y))."""
        columns = [self._column(name) for name in self.order]
        steps = [
            and_(*(columns[i] == position[i] for i in range(depth)), columns[depth] > position[depth])
            for depth in range(len(columns))
        ]
        return and_(columns[0] >= position[0], or_(*steps))

    def _column(self, name: str) -> ColumnElement[Any]:
        real, kind, _ = self._columns[name]
        return column(real, kind)

    @cached_property
    def _from(self) -> Any:
        names: list[Any] = [column(real) for real, _, _ in self._columns.values()]
        return table(self._options.table, *names, schema=self._options.schema_)

    @cached_property
    def _columns(self) -> dict[str, tuple[str, TypeEngine[Any], bool]]:
        """Each name as written in the options: the real name, what values are bound as, whether it may be null."""
        options = self._options
        with translated(self._address, "connect"), reading(self._engine, options.seconds) as connection:
            listed = inspect(connection).get_columns(options.table, schema=options.schema_)
        bare = self._engine.dialect.name == "sqlite"  # it holds what was written, whatever the column is called
        found = {
            str(each["name"]).lower(): (each["name"], NullType() if bare else each["type"], each.get("nullable", True))
            for each in listed
        }
        flag = [options.paging.column] if isinstance(options.paging, ByFlag) else []
        wanted = [*self._read, *flag, *options.only]
        missing = sorted({name for name in wanted if name.lower() not in found})
        if missing:
            raise Misconfigured("database.missing", address=self._address, action=", ".join(missing))
        return {name: found[name.lower()] for name in wanted}


def _equals(left: ColumnElement[Any], value: Any) -> ColumnElement[bool]:
    return left.is_(None) if value is None else left == value


def _among(left: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    some = [value for value in values if value is not None]
    choices = [left.in_(some)] if some else []
    return or_(*choices, *([left.is_(None)] if None in values else []))
