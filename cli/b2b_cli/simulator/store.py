"""The school's data in one SQLite file; every table whose rows have ids gives each kind a range of its own."""

import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

Row = sqlite3.Row

# The last id before the first of each kind, so that an id of one kind is never taken for one of another.
FIRST_IDS = {
    "users": 1_000_000,
    "products": 2_000_000,
    "courses": 3_000_000,
    "bundles": 4_000_000,
    "groups": 5_000_000,
    "chapters": 6_000_000,
    "contents": 7_000_000,
    "bundle_enrollments": 300_000_000,
    "enrollments": 400_000_000,
}

_SCHEMA_VERSION = 2
# Times are milliseconds since 1970. A deleted user's row stays, so that kept enrollments still have a name.
_SCHEMA = """
create table settings (name text primary key, value text not null) without rowid;

create table custom_profile_field_definitions (
  id integer primary key autoincrement, label text not null, field_type text not null, required integer not null
);
create table users (
  id integer primary key autoincrement, created_at integer not null, deleted_at integer,
  email text not null, email_key text not null, first_name text not null, last_name text not null,
  company text, bio text, headline text, avatar_url text, external_source text,
  affiliate_code text, affiliate_commission real, affiliate_commission_type text not null,
  affiliate_payout_email text, roles text not null, custom_profile_fields text not null
);
create index users_by_email on users (email_key);
create index users_by_source on users (external_source) where external_source is not null;
create table authentications (
  user_id integer not null references users on delete cascade, provider text not null, external_id text not null,
  primary key (user_id, provider), unique (provider, external_id)
) without rowid;

create table products (
  id integer primary key autoincrement, created_at integer not null, name text not null,
  productable_type text not null, productable_id integer not null, status text not null, price text not null,
  private integer not null, hidden integer not null, subscription integer not null, days_until_expiry integer,
  slug text not null, description text, related_product_ids text not null,
  newer_builder integer not null default 0,
  unique (productable_type, productable_id)
);
create table courses (
  id integer primary key autoincrement, name text not null, slug text not null, description text
);
create table chapters (
  id integer primary key autoincrement, course_id integer not null references courses on delete cascade,
  name text not null, position integer not null
);
create index chapters_by_course on chapters (course_id);
create table contents (
  id integer primary key autoincrement, chapter_id integer not null references chapters on delete cascade,
  name text not null, position integer not null, contentable_type text not null, free integer not null
);
create index contents_by_chapter on contents (chapter_id);
create table bundles (
  id integer primary key autoincrement, name text not null, slug text not null, description text
);
create table bundle_courses (
  bundle_id integer not null references bundles on delete cascade,
  course_id integer not null references courses on delete cascade, position integer not null,
  primary key (bundle_id, course_id)
) without rowid;
create index bundle_courses_by_course on bundle_courses (course_id);

create table enrollments (
  id integer primary key autoincrement, created_at integer not null, updated_at integer not null,
  user_id integer not null references users on delete cascade,
  course_id integer not null references courses on delete cascade,
  activated_at integer, expiry_date integer, started_at integer, completed_at integer,
  percentage_completed real not null default 0
);
create index enrollments_by_user on enrollments (user_id, course_id);
create index enrollments_by_course on enrollments (course_id);
create index enrollments_by_change on enrollments (updated_at);
create table bundle_enrollments (
  id integer primary key autoincrement, created_at integer not null, updated_at integer not null,
  bundle_id integer not null references bundles on delete cascade,
  user_id integer not null references users on delete cascade,
  activated_at integer, expiry_date integer, unique (bundle_id, user_id)
);
create index bundle_enrollments_by_user on bundle_enrollments (user_id);
create table due_enrollments (
  bundle_id integer not null references bundles on delete cascade,
  user_id integer not null references users on delete cascade,
  course_id integer not null references courses on delete cascade, due_at integer not null,
  primary key (bundle_id, user_id, course_id)
) without rowid;
create index due_enrollments_by_time on due_enrollments (due_at);
create index due_enrollments_by_user on due_enrollments (user_id);
create index due_enrollments_by_course on due_enrollments (course_id);

create table groups (
  id integer primary key autoincrement, created_at integer not null, name text not null, token text not null
);
create index groups_by_name on groups (name);
create table group_members (
  group_id integer not null references groups on delete cascade,
  user_id integer not null references users on delete cascade, primary key (group_id, user_id)
) without rowid;
create index group_members_by_user on group_members (user_id);
create table group_analysts (
  group_id integer not null references groups on delete cascade,
  user_id integer not null references users on delete cascade, primary key (group_id, user_id)
) without rowid;
create index group_analysts_by_user on group_analysts (user_id);

create table calls (
  id integer primary key autoincrement, at integer not null, method text not null, path text not null,
  query text not null, body text, status integer, duration_ms real not null, fault text
);
create index calls_by_time on calls (at);
"""
_GRAPHQL_CALLS = """
create table graphql_calls (
  id integer primary key autoincrement, at integer not null, variables text not null, cost integer not null,
  status integer not null
);
"""
# What brings a database of each older schema to the next.
_UPGRADES = {1: f"alter table products add column newer_builder integer not null default 0; {_GRAPHQL_CALLS}"}


class StoreError(Exception):
    """The file cannot be used; the message says why."""


class Store:
    """One connection to one file. Names of tables and columns come from this package, values are always bound."""

    def __init__(self, database: Path | str = ":memory:") -> None:
        self._database = database
        try:
            # A server may be built in one thread and run in another, but never used by two at once.
            self._connection = sqlite3.connect(
                database, isolation_level=None, cached_statements=256, check_same_thread=False
            )
            self._connection.row_factory = Row
            self._connection.create_function("regexp", 2, _matches, deterministic=True)
            self._prepare()
        except sqlite3.Error as error:
            advice = "Move it away to start with an empty school."
            raise StoreError(f"cannot use {database} as the simulator's database: {error}. {advice}") from error

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.execute("begin immediate")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        found: Row | None = self._connection.execute(sql, values).fetchone()
        return found

    def scalar(self, sql: str, *values: Any) -> Any:
        found = self.row(sql, *values)
        return None if found is None else found[0]

    def execute(self, sql: str, *values: Any) -> int:
        """Runs one statement and answers how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def insert(self, table: str, row: Mapping[str, Any]) -> int:
        """Adds a row and answers its id; an `id` of None means the next one."""
        columns, marks = ", ".join(row), ", ".join("?" * len(row))
        sql = f"insert into {table} ({columns}) values ({marks})"  # noqa: S608 - names are this package's own
        identifier = self._connection.execute(sql, tuple(row.values())).lastrowid
        return identifier or 0

    def update(self, table: str, identifier: int, changes: Mapping[str, Any]) -> None:
        if changes:
            columns = ", ".join(f"{name} = ?" for name in changes)
            sql = f"update {table} set {columns} where id = ?"  # noqa: S608 - names are this package's own
            self._connection.execute(sql, (*changes.values(), identifier))

    def get(self, table: str, identifier: int) -> Row | None:
        return self.row(f"select * from {table} where id = ?", identifier)  # noqa: S608 - as above

    def insert_new(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Adds the rows that are not there yet."""
        marks = ", ".join("?" * len(columns))
        sql = f"insert or ignore into {table} ({', '.join(columns)}) values ({marks})"  # noqa: S608 - as above
        self._connection.executemany(sql, rows)

    def clear(self) -> None:
        """Removes every row. Ids go on where they were: none is ever given twice."""
        names = self.rows("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
        self._connection.execute("pragma defer_foreign_keys = on")
        for (name,) in names:
            self._connection.execute(f"delete from {name}")  # noqa: S608 - as above

    def _prepare(self) -> None:
        version = self.scalar("pragma user_version")
        if version not in (0, _SCHEMA_VERSION, *_UPGRADES):
            self.close()
            raise StoreError(
                f"{self._database} was made by another release of the simulator (schema {version}). Use that release, "
                "or move the file away to start with an empty school."
            )
        self._connection.execute("pragma journal_mode = wal")
        # In WAL mode this loses nothing when the process dies, and spares a disk flush for each call.
        self._connection.execute("pragma synchronous = normal")
        self._connection.execute("pragma foreign_keys = on")
        while version in _UPGRADES:
            self._connection.executescript(
                f"begin immediate; {_UPGRADES[version]} pragma user_version = {version + 1}; commit;"
            )
            version += 1
        if version == 0:
            self._create()

    def _create(self) -> None:
        seeds = "\n".join(
            f"insert into sqlite_sequence (name, seq) values ('{table}', {last});"  # noqa: S608 - as above
            for table, last in FIRST_IDS.items()
        )
        self._connection.executescript(
            f"begin immediate; {_SCHEMA} {_GRAPHQL_CALLS} {seeds} pragma user_version = {_SCHEMA_VERSION}; commit;"
        )


def _matches(pattern: str, text: str) -> bool:
    """SQL's `text regexp pattern`."""
    return re.search(pattern, text) is not None
