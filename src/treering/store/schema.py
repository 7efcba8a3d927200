"""
The tables of the metadata index, the same on SQLite and PostgreSQL.

Every row carries its entity and project, so that a permission is one condition of a query. Times are unix time in
microseconds. SQLite stores NaN as NULL: wherever a number may be NaN a text column beside it says ``NaN``.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

# Compared byte by byte on both: SQLite's default, and what a filter's `<` on text promises.
_Text = Text().with_variant(Text(collation="C"), "postgresql")
_Id = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's row id is an INTEGER by that very name
_Double = Float(53)

VERSION: Final = 6

metadata = MetaData()


def _scope() -> list[Column[int]]:
    return [Column("entity_id", Integer, nullable=False), Column("project_id", Integer, nullable=False)]


settings = Table("settings", metadata, Column("name", _Text, primary_key=True), Column("value", _Text, nullable=False))

entities = Table(
    "entities",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("name", _Text, nullable=False, unique=True),
)

projects = Table(
    "projects",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("entity_id", Integer, nullable=False),
    Column("name", _Text, nullable=False),
    UniqueConstraint("entity_id", "name"),
)

# Names that rows refer to by number. `space` is metric, config, summary, tag or writer; `kind` is number, text, media
# or system for metrics.
keys = Table(
    "keys",
    metadata,
    Column("id", _Id, primary_key=True),
    *_scope(),
    Column("space", _Text, nullable=False),
    Column("name", _Text, nullable=False),
    Column("kind", _Text, nullable=False),
    Column("runs", Integer, nullable=False, server_default="0"),  # that logged it
    UniqueConstraint("project_id", "space", "name"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", _Id, primary_key=True),
    *_scope(),
    Column("run_key", _Text, nullable=False, unique=True),
    Column("run_id", _Text, nullable=False),
    Column("name", _Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", _Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("activity_us", BigInteger, nullable=False),
    Column("group_name", _Text),
    Column("job_type", _Text),
    Column("folder", _Text),
    Column("parent", _Text),
    Column("notes", _Text),
    Column("host", _Text),
    Column("archived", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("damaged", Boolean, nullable=False),
    Column("error", _Text),
    Column("seq", BigInteger, nullable=False),
    Index("runs_by_project", "project_id", "deleted", "created_us"),
    Index("runs_by_seq", "project_id", "seq"),
    # Parts and marks hold these numbers, so that of a run that is gone must not be given to another one.
    sqlite_autoincrement=True,
)

# Apart from the runs table, which queries scan: a document is kilobytes.
documents = Table(
    "documents",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    *_scope(),
    Column("doc", LargeBinary, nullable=False),  # the whole RunState, msgpack
)

# What a search looks into: name, id, tags and notes, a line each.
texts = Table(
    "texts",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    *_scope(),
    Column("search", _Text, nullable=False),
    Column("folded", _Text, nullable=False),
)

segments = Table(
    "segments",
    metadata,
    Column("id", _Id, primary_key=True),
    *_scope(),
    Column("run_id", BigInteger, nullable=False, index=True),
    Column("segment", _Text, nullable=False, unique=True),
    Column("writer_id", Integer, nullable=False),
    Column("life", _Text, nullable=False, index=True),
    Column("life_created_ns", BigInteger, nullable=False),
    Column("life_index", Integer, nullable=False),
    Column("from_step", BigInteger),
    Column("base_step", BigInteger, nullable=False),
    Column("last_step", BigInteger),
    Column("applied_offset", BigInteger, nullable=False),
    Column("applied_chain", BigInteger, nullable=False),
    Column("status", _Text, nullable=False),
    Column("doc", LargeBinary, nullable=False),  # SegmentDoc, msgpack
    sqlite_autoincrement=True,
)

# From here on earlier steps of the writer are hidden: rewinds inside a life.
rewinds = Table(
    "rewinds",
    metadata,
    Column("segment_id", BigInteger, primary_key=True, autoincrement=False),
    Column("off", BigInteger, primary_key=True, autoincrement=False),
    *_scope(),
    Column("run_id", BigInteger, nullable=False, index=True),
    Column("writer_id", Integer, nullable=False),
    Column("from_step", BigInteger, nullable=False),
)

# Runs that were forked from another one, which may be elsewhere or not here at all.
forks = Table(
    "forks",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    *_scope(),
    Column("parent_key", _Text, nullable=False, index=True),
    Column("parent_id", _Text, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("until_ns", BigInteger, nullable=False),
    Column("since_ns", BigInteger, nullable=False),
    Column("lives", _Text, nullable=False),  # that forked, JSON
)

# Runs whose aggregates have to be made anew of what their lines show: something hides a part of them, or a fork's
# parent has changed.
unsettled = Table(
    "unsettled",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    *_scope(),
    Column("run_key", _Text, nullable=False),
)

# Config, explicit summary and tags, one row per key and run. `kind`: int, float, bool, str, null, json. `num` is set
# for int and float alone.
attrs = Table(
    "attrs",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    *_scope(),
    Column("kind", _Text, nullable=False),
    Column("num", _Double),
    Column("text", _Text),
    sqlite_with_rowid=False,
)

# Aggregates of each metric of each run. `min`, `max`, `sum` are over finite values; `last` and `first` are as logged,
# with NaN as NULL and "NaN" in the text beside it (a logged text stands there behind a "="). Their
# lives began at `last_life_us` and `first_life_us`; the places are those in the logs of these lives.
series = Table(
    "series",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    *_scope(),
    Column("n", BigInteger, nullable=False),
    Column("finite", BigInteger, nullable=False),
    Column("last", _Double),
    Column("last_text", _Text),
    Column("last_step", BigInteger, nullable=False),
    Column("last_life_us", BigInteger, nullable=False),
    Column("last_place", BigInteger, nullable=False),
    Column("first", _Double),
    Column("first_text", _Text),
    Column("first_step", BigInteger, nullable=False),
    Column("first_life_us", BigInteger, nullable=False),
    Column("first_place", BigInteger, nullable=False),
    Column("min", _Double),
    Column("max", _Double),
    Column("sum", _Double),
    Column("is_int", Boolean, nullable=False),
    Index("series_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# Aggregates as corrections show them, where they do not follow from one row of ``series``. `stamp` says of which
# corrections they are; others are passed over. `n` is 0 where nothing is left.
corrected = Table(
    "corrected",
    metadata,
    Column("key_id", BigInteger, primary_key=True, autoincrement=False),
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("stamp", _Text, nullable=False),
    *(
        Column(column.name, column.type, nullable=column.nullable)
        for column in series.columns
        if not column.primary_key
    ),
    Index("corrected_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# Where console output stands in the run log: pages of at most 256 lines.
console = Table(
    "console",
    metadata,
    Column("segment_id", BigInteger, primary_key=True, autoincrement=False),
    Column("offset", BigInteger, primary_key=True, autoincrement=False),
    *_scope(),
    Column("run_id", BigInteger, nullable=False, index=True),
    Column("end_offset", BigInteger, nullable=False),
    Column("lines", Integer, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
)

# Files that belong to a run: its newest declaration of each path. `received`: the bytes have to come over the network.
files = Table(
    "files",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("path", _Text, primary_key=True),
    *_scope(),
    Column("sha256", _Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("purpose", _Text, nullable=False),
    Column("about", _Text, nullable=False),  # JSON
    Column("received", Boolean, nullable=False),
    Index("files_by_hash", "run_id", "sha256"),
)

# Bytes that came over the network, by who may write to the run. Whoever may read one run of a project has what the
# project's other runs hold as well; nobody gets at bytes by naming a hash that they never had.
held = Table(
    "held",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", _Text, primary_key=True),
    *_scope(),
    Column("bytes", BigInteger, nullable=False),
    Index("held_by_project", "project_id", "sha256"),
)

# Every state of the files that runs saved, by what they hold: a path that was written anew keeps those before.
origins = Table(
    "origins",
    metadata,
    Column("sha256", _Text, primary_key=True),
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("path", _Text, primary_key=True),
    *_scope(),
    Column("bytes", BigInteger, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("purpose", _Text, nullable=False),
    Column("received", Boolean, nullable=False),
    Column("parts", Integer, nullable=False),
    Index("origins_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# Of which of them a piece is a part: `digest` is of the piece.
origin_parts = Table(
    "origin_parts",
    metadata,
    Column("digest", _Text, primary_key=True),
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("sha256", _Text, primary_key=True),
    *_scope(),
    Column("count", Integer, nullable=False),
    Index("origin_parts_by_run", "run_id"),
    sqlite_with_rowid=False,
)

# Alerts that the code of trainings raised, by where they stand in the run log.
alerts = Table(
    "alerts",
    metadata,
    Column("segment_id", BigInteger, primary_key=True, autoincrement=False),
    Column("off", BigInteger, primary_key=True, autoincrement=False),
    *_scope(),
    Column("run_id", BigInteger, nullable=False, index=True),
    Column("segment", _Text, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("level", _Text, nullable=False),
    Column("title", _Text, nullable=False),
    Column("text", _Text, nullable=False),
    Column("step", BigInteger),
    Column("repeats", Integer, nullable=False),
    Index("alerts_by_project", "project_id", "time_us"),
)

# Versions of artifacts, as the runs that made them say. Whether one is complete, and its number, the ledger knows.
artifacts = Table(
    "artifacts",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("record", _Text, primary_key=True),
    *_scope(),
    Column("segment", _Text, nullable=False),
    Column("name", _Text, nullable=False),
    Column("type", _Text, nullable=False),
    Column("digest", _Text, nullable=False),
    Column("manifest_bytes", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Column("about", _Text, nullable=False),  # JSON
)

# Versions of artifacts that runs used. The artifact may be of another project, and need not be here at all.
artifact_uses = Table(
    "artifact_uses",
    metadata,
    Column("run_id", BigInteger, primary_key=True, autoincrement=False),
    Column("artifact", _Text, primary_key=True),  # entity/project/name
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    *_scope(),
    Column("type", _Text, nullable=False),
    Column("digest", _Text, nullable=False),
    Column("use_as", _Text, nullable=False),
    Column("time_us", BigInteger, nullable=False),
    Index("artifact_uses_by_artifact", "artifact", "version"),
)

# Folders whose segments do not even say which run they are of.
broken = Table(
    "broken",
    metadata,
    Column("run_key", _Text, primary_key=True),
    Column("segment", _Text, primary_key=True),
    Column("reason", _Text, nullable=False),
)
