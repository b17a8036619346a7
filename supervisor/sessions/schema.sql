-- Threadbridge's store, version 1 (PRAGMA user_version). Times are Unix seconds; ids of Discord are integers.

-- One row for each session. The snapshot is folded from the worker's log up to `applied` of `generation`;
-- what is not an event of the log but a wish of ours stands beside it.
CREATE TABLE sessions (
    session_id  TEXT PRIMARY KEY,
    thread_id   INTEGER NOT NULL UNIQUE,
    channel_id  INTEGER NOT NULL,
    created_at  REAL NOT NULL,
    snapshot    BLOB NOT NULL,              -- bridge.session.ManagedSession
    view        BLOB NOT NULL,              -- bridge.render.view.ThreadView
    ended_at    REAL,                       -- somebody ended the session
    end_reason  TEXT NOT NULL DEFAULT '',
    fresh       INTEGER NOT NULL DEFAULT 0, -- the next child begins a new conversation of Claude's
    attached    INTEGER NOT NULL DEFAULT 0  -- pid of the worker that is connected; 0 for none
) STRICT;

-- Commands still to be answered by an event (bridge.protocol.commands says which). The first of a key wins.
CREATE TABLE inbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    key         TEXT NOT NULL,
    command     BLOB NOT NULL,
    created_at  REAL NOT NULL,
    UNIQUE (session_id, key)
) STRICT;

-- What threads should show. `desired` is rewritten while text streams; `shown` is what Discord last took.
-- No message id: NEW. shown <> desired: STALE. Equal: SETTLED.
CREATE TABLE posts (
    id           INTEGER PRIMARY KEY AUTOINCREMENT, -- also the order within a thread
    session_id   TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    key          TEXT NOT NULL,
    desired      BLOB NOT NULL,                     -- bridge.render.posts.Post
    shown        BLOB,
    message_id   INTEGER,
    attempt      INTEGER NOT NULL DEFAULT 0,        -- part of the nonce
    attempted_at REAL,                              -- committed before each create
    failed       TEXT NOT NULL DEFAULT '',          -- Discord refused it for good, and why
    UNIQUE (session_id, key)
) STRICT;
CREATE INDEX unsettled ON posts (session_id) WHERE failed = '' AND (shown IS NULL OR shown <> desired);

-- One start of a worker, committed before the spawn; who may speak on the session's endpoint.
CREATE TABLE starts (
    session_id  TEXT PRIMARY KEY REFERENCES sessions ON DELETE CASCADE,
    start       TEXT NOT NULL,              -- names the endpoint; 8 hex digits
    public_key  TEXT NOT NULL,
    started_at  REAL NOT NULL
) STRICT;

-- The last message that was handled, for each channel and thread.
CREATE TABLE cursors (
    channel_id  INTEGER PRIMARY KEY,
    message_id  INTEGER NOT NULL
) STRICT;

-- Single values of the whole bridge: the budget of IDENTIFYs and such.
CREATE TABLE facts (
    name   TEXT PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT;
