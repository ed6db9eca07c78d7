-- The first schema.
--
-- Every table of rows that belong to someone carries the project; only what belongs to the hub as
-- a whole does not (schema_version, probe, settings). Ids of events, runs, deliveries and files
-- are the 16 bytes of a UUIDv7, times are milliseconds since the Unix epoch.
--
-- state:      0 queued, 1 running, 2 waiting, 3 completed or delivered, 4 failed, 5 cancelled
-- reason:     0 retry, 1 outage, 2 paused, 3 held, 4 answer, 5 debounce
-- trust:      0 verified, 1 secret, 2 open
-- mode:       0 inbound, 1 sync, 2 outbound
-- managed_by: 0 file, 1 api
-- priority:   0 low, 1 normal, 2 high
-- held_back:  0 nothing holds it back, 1 it stands behind others of its line, 2 its place was taken
--
-- What is said to be sealed is a version, the id of a data key, a nonce, a ciphertext and its tag, and
-- opens in its own project, table, row and column alone. What is said to be keyed is a digest under
-- the vault's own key.

CREATE TABLE schema_version (version INTEGER NOT NULL) STRICT;
INSERT INTO schema_version VALUES (0);

-- Counts the commits that were made only to see whether one can be made.
CREATE TABLE probe (commits INTEGER NOT NULL) STRICT;
INSERT INTO probe VALUES (0);

CREATE TABLE projects (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO projects VALUES (1, 'default');

-- The master key by which all keys are wrapped: one row, from the first start on.
CREATE TABLE vault (
  master BLOB NOT NULL, -- its id
  canary BLOB NOT NULL, -- what it alone opens
  digest_key BLOB NOT NULL, -- wrapped; never changes
  since INTEGER NOT NULL
) STRICT;

-- What seals; project 0 is the hub itself. One that is closed only opens.
CREATE TABLE data_keys (
  id INTEGER PRIMARY KEY,
  project INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  closed INTEGER NOT NULL DEFAULT 0,
  reserved INTEGER NOT NULL, -- how many values it may have sealed
  made_at INTEGER NOT NULL,
  wrapped BLOB NOT NULL,
  UNIQUE (project, generation)
) STRICT;
CREATE UNIQUE INDEX data_keys_open ON data_keys (project) WHERE closed = 0;

CREATE TABLE settings (
  name TEXT NOT NULL PRIMARY KEY,
  value BLOB NOT NULL -- sealed
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
  project INTEGER NOT NULL,
  name TEXT NOT NULL,
  digest BLOB NOT NULL,
  hint TEXT NOT NULL,
  scopes TEXT NOT NULL, -- JSON array
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER,
  PRIMARY KEY (project, name)
) STRICT, WITHOUT ROWID;

-- actor:   0 a key, 1 the configuration's files, 2 the hub itself
-- outcome: 0 done in the same commit, 1 begun, 2 ended, 3 failed
-- begun:   the position of the entry that the last two belong to
-- Each project counts its own positions: they say nothing of what others do.
CREATE TABLE audit (
  project INTEGER NOT NULL,
  position INTEGER NOT NULL,
  at INTEGER NOT NULL,
  actor INTEGER NOT NULL,
  key_name TEXT,
  key_hint TEXT,
  peer TEXT,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  before BLOB,
  after BLOB,
  outcome INTEGER NOT NULL,
  begun INTEGER,
  PRIMARY KEY (project, position)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_is_not_taken_away BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
-- A replacing insert takes the old row away without asking the trigger above.
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
  WHEN EXISTS (SELECT 1 FROM audit WHERE project = NEW.project AND position = NEW.position)
  BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;

CREATE TABLE agents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project INTEGER NOT NULL,
  name TEXT NOT NULL,
  runtime TEXT NOT NULL,
  timeout_ms INTEGER NOT NULL,
  concurrency INTEGER NOT NULL,
  session_concurrency INTEGER NOT NULL,
  rate TEXT,
  queue_ttl_ms INTEGER,
  retry TEXT NOT NULL, -- JSON
  settings BLOB NOT NULL, -- JSON, sealed
  managed_by INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  removed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX agents_by_name ON agents (project, name) WHERE removed = 0;

CREATE TABLE connectors (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project INTEGER NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  mode INTEGER NOT NULL,
  secrets BLOB NOT NULL, -- JSON array, newest first, sealed
  links TEXT NOT NULL, -- JSON array
  concurrency INTEGER,
  rate TEXT,
  settings BLOB NOT NULL, -- JSON, sealed
  managed_by INTEGER NOT NULL,
  paused INTEGER NOT NULL,
  removed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX connectors_by_name ON connectors (project, name) WHERE removed = 0;

-- Every large body, once and in the order of arrival: appending to one tree is what costs least.
-- An event's input and meta, a run's output and usage, a delivery's body, a file's content.
-- A row that points to payload 0 had one, which was erased.
CREATE TABLE payloads (
  seq INTEGER PRIMARY KEY,
  project INTEGER NOT NULL,
  sealed BLOB NOT NULL -- for the row that points to it
) STRICT;

CREATE TABLE events (
  project INTEGER NOT NULL,
  id BLOB NOT NULL,
  connector INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  trust INTEGER NOT NULL,
  filtered INTEGER NOT NULL,
  payload INTEGER NOT NULL,
  files BLOB, -- file ids, one after the other; NULL for none
  runs BLOB, -- run ids in link order, one after the other; NULL for none
  replays BLOB, -- run ids of replays, one after the other; NULL for none
  PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE files (
  project INTEGER NOT NULL,
  id BLOB NOT NULL,
  event BLOB NOT NULL,
  connector INTEGER NOT NULL,
  about BLOB NOT NULL, -- JSON, sealed: names, type, size, digest
  payload INTEGER NOT NULL,
  PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE dedupe (
  connector INTEGER NOT NULL,
  key BLOB NOT NULL, -- keyed
  project INTEGER NOT NULL,
  event BLOB NOT NULL,
  digest BLOB NOT NULL, -- of the body, keyed
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (connector, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX dedupe_by_expiry ON dedupe (expires_at);

-- The commits of runs that stand in a line are counted here: the order of every line.
-- `latest` is the latest time that any of them was given: where it is not later than now, no run that
-- stands behind others has to be looked at when the clock was set back.
CREATE TABLE places (last INTEGER NOT NULL, latest INTEGER NOT NULL) STRICT;
INSERT INTO places VALUES (0, 0);

-- A row that nothing holds back is in one of three queue indexes while it has not ended: in
-- `queued` by its priority and the time when it came, in `waiting` by the time when it may be
-- claimed (without one: a person has to act), or in `leased` by the time when its lease ends.
-- One that stands in a line is in `lined`, too, and in `displaced` where its place was taken.
CREATE TABLE runs (
  project INTEGER NOT NULL,
  id BLOB NOT NULL,
  event BLOB NOT NULL,
  agent INTEGER NOT NULL,
  connector INTEGER NOT NULL,
  session BLOB, -- sealed
  priority INTEGER NOT NULL,
  line BLOB, -- keyed
  place INTEGER, -- in its line
  width INTEGER, -- how many of its line may be in front
  held_back INTEGER NOT NULL DEFAULT 0,
  merged INTEGER NOT NULL DEFAULT 0, -- how many runs wait in it for quiet, itself not counted
  into_run BLOB, -- the run that took its place
  state INTEGER NOT NULL,
  reason INTEGER,
  waiting_since INTEGER,
  attempt INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0,
  outages INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL DEFAULT 0,
  node BLOB,
  due_at INTEGER,
  queued_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at INTEGER,
  result INTEGER, -- the payload with output and usage
  error_code TEXT,
  error_message BLOB, -- sealed
  dead_letter INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;
-- What their conditions name is among their columns, too: else SQLite looks up every row to read
-- it, also where the index alone would do (to count, to sort, to find what is old).
CREATE INDEX runs_queued ON runs (agent, priority DESC, due_at, id, queued_at, state, held_back)
  WHERE state = 0 AND held_back = 0;
CREATE INDEX runs_waiting ON runs (agent, due_at, id, priority, state, held_back)
  WHERE state = 2 AND held_back = 0;
CREATE INDEX runs_leased ON runs (agent, due_at, id, priority, state, held_back)
  WHERE state = 1 AND held_back = 0;
CREATE INDEX runs_lined ON runs (agent, project, line, held_back, place, state)
  WHERE line IS NOT NULL AND state < 3;
-- Each event of a line that waits for quiet asks who waits there already; it may be a long line.
CREATE INDEX runs_quiet ON runs (agent, project, line, connector, place)
  WHERE state = 2 AND reason = 5 AND held_back < 2;
CREATE INDEX runs_displaced ON runs (project, id) WHERE held_back = 2 AND state < 3;
CREATE INDEX runs_ended_badly ON runs (project, state, id) WHERE state IN (4, 5);

CREATE TABLE deliveries (
  project INTEGER NOT NULL,
  id BLOB NOT NULL,
  connector INTEGER NOT NULL,
  run BLOB NOT NULL,
  event BLOB NOT NULL,
  state INTEGER NOT NULL,
  reason INTEGER,
  waiting_since INTEGER,
  attempt INTEGER NOT NULL DEFAULT 0,
  epoch INTEGER NOT NULL DEFAULT 0,
  node BLOB,
  due_at INTEGER,
  created_at INTEGER NOT NULL,
  ended_at INTEGER,
  error_code TEXT,
  error_message BLOB, -- sealed
  payload INTEGER NOT NULL,
  PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_queued ON deliveries (connector, due_at, id, state) WHERE state = 0;
CREATE INDEX deliveries_waiting ON deliveries (connector, due_at, id, state) WHERE state = 2;
CREATE INDEX deliveries_leased ON deliveries (connector, due_at, id, state) WHERE state = 1;
CREATE INDEX deliveries_ended_badly ON deliveries (project, state, id) WHERE state IN (4, 5);
CREATE INDEX deliveries_by_run ON deliveries (project, run);

-- `position` counts from 1 per owner; `number` can come again, where an attempt did not start.
CREATE TABLE attempts (
  project INTEGER NOT NULL,
  owner BLOB NOT NULL, -- a run or a delivery
  position INTEGER NOT NULL,
  number INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER NOT NULL,
  status INTEGER,
  error_code TEXT,
  error_message BLOB, -- sealed
  response BLOB, -- sealed
  PRIMARY KEY (project, owner, position)
) STRICT, WITHOUT ROWID;

-- How far retention has come: of a project's events up to `event`, those that are still to be dealt
-- with linger. `before` is the end of what was kept when it came that far.
-- stage: 0 bodies, 1 rows
CREATE TABLE retention (
  stage INTEGER NOT NULL,
  project INTEGER NOT NULL,
  begun INTEGER NOT NULL,
  before INTEGER NOT NULL,
  event BLOB NOT NULL,
  PRIMARY KEY (stage, project)
) STRICT, WITHOUT ROWID;

-- Events that retention has passed by: they had not ended, or had ended late.
CREATE TABLE lingering (
  stage INTEGER NOT NULL,
  project INTEGER NOT NULL,
  look_at INTEGER NOT NULL, -- looked at again once less than what is after it is kept
  event BLOB NOT NULL,
  PRIMARY KEY (stage, project, look_at, event)
) STRICT, WITHOUT ROWID;
