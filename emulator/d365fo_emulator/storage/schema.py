"""Tables. `control.db`: projects, executions, blobs, learnt entities. `data.db`: rows.

Staging and target tables are physical, one pair per entity, created at first use; `data.db` begins
with the tables that hold their names, errors, progress and attachments. Generated names are the
only ones that ever reach SQL. A change here raises the version and adds a step to `migrations`.
"""

from __future__ import annotations

CONTROL_VERSION = 2
DATA_VERSION = 6

CONTROL = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE project (folded TEXT PRIMARY KEY, name TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE version_token (
  project TEXT NOT NULL, entity TEXT NOT NULL, company TEXT NOT NULL, token INTEGER NOT NULL,
  PRIMARY KEY (project, entity, company)
) WITHOUT ROWID;
CREATE TABLE execution (
  folded TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, id TEXT NOT NULL,
  group_name TEXT NOT NULL, company TEXT NOT NULL, operation TEXT NOT NULL, state TEXT NOT NULL,
  work TEXT NOT NULL,
  live INTEGER NOT NULL, created_at TEXT NOT NULL, finished_at TEXT, document TEXT NOT NULL
);
CREATE INDEX execution_live ON execution (number) WHERE live = 1;
CREATE TABLE entity (name TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE blob (
  container TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, size INTEGER NOT NULL,
  md5 TEXT NOT NULL, etag TEXT NOT NULL, created_at TEXT NOT NULL, modified_at TEXT NOT NULL,
  headers TEXT NOT NULL, metadata TEXT NOT NULL, blocks TEXT NOT NULL,
  PRIMARY KEY (container, name)
);
CREATE TABLE block (
  container TEXT NOT NULL, name TEXT NOT NULL, block_id TEXT NOT NULL, content TEXT NOT NULL,
  size INTEGER NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (container, name, block_id)
);
"""

DATA = """
CREATE TABLE physical (entity TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE);
CREATE TABLE physical_column (
  entity TEXT NOT NULL, field TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,
  PRIMARY KEY (entity, field)
);
CREATE TABLE change (number INTEGER NOT NULL);
INSERT INTO change VALUES (0);
CREATE TABLE writer (number INTEGER PRIMARY KEY AUTOINCREMENT, execution TEXT UNIQUE);
CREATE TABLE progress (
  execution TEXT NOT NULL, entity TEXT NOT NULL, position INTEGER NOT NULL,
  staged INTEGER NOT NULL DEFAULT 0, staging_done INTEGER NOT NULL DEFAULT 0,
  ordered_through INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL DEFAULT 0, updated INTEGER NOT NULL DEFAULT 0,
  target_done INTEGER NOT NULL DEFAULT 0, truncated INTEGER NOT NULL DEFAULT 0,
  reruns INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (execution, entity)
) WITHOUT ROWID;
CREATE TABLE rerun_row (
  execution TEXT NOT NULL, entity TEXT NOT NULL, row INTEGER NOT NULL,
  PRIMARY KEY (execution, entity, row)
) WITHOUT ROWID;
CREATE TABLE number_sequence (
  entity TEXT NOT NULL, field TEXT NOT NULL, company TEXT NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY (entity, field, company)
) WITHOUT ROWID;
CREATE TABLE attachment (
  entity TEXT NOT NULL, company TEXT NOT NULL, folded TEXT NOT NULL, name TEXT NOT NULL,
  content TEXT NOT NULL, size INTEGER NOT NULL, PRIMARY KEY (entity, company, folded)
) WITHOUT ROWID;
CREATE INDEX attachment_content ON attachment (content);
CREATE TABLE row_error (
  execution TEXT NOT NULL, entity TEXT NOT NULL, row INTEGER NOT NULL, stage TEXT NOT NULL,
  field TEXT NOT NULL, message TEXT NOT NULL,
  PRIMARY KEY (execution, entity, row, stage, field, message)
) WITHOUT ROWID;
"""
