-- Threadbridge's store, version 2: what version 1 kept in `facts` under composed names has columns and tables.

ALTER TABLE sessions ADD COLUMN offers TEXT NOT NULL DEFAULT '';             -- bridge.protocol.events.ChildOffered
ALTER TABLE sessions ADD COLUMN accepted_inode INTEGER NOT NULL DEFAULT 0;   -- of a directory that was replaced
ALTER TABLE sessions ADD COLUMN held_through INTEGER;                        -- the newest wish when it broke
ALTER TABLE sessions ADD COLUMN restored TEXT NOT NULL DEFAULT '';           -- still to be said: its database was lost
ALTER TABLE sessions ADD COLUMN login_told TEXT NOT NULL DEFAULT '';         -- the expiry of the login it went on after
ALTER TABLE sessions ADD COLUMN has_no_place INTEGER NOT NULL DEFAULT 0;     -- Discord lets us make no thread for it

-- Who is invited to talk in one session's thread.
CREATE TABLE invitations (
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    user_id     INTEGER NOT NULL,
    PRIMARY KEY (session_id, user_id)
) STRICT;

-- Prompts that were dropped before Claude got them: their files are still to be deleted.
CREATE TABLE dropped_prompts (
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    prompt_id   INTEGER NOT NULL,
    PRIMARY KEY (session_id, prompt_id)
) STRICT;

-- What sessions that begin in a channel get: a model, a mode, an effort.
CREATE TABLE channel_defaults (
    channel_id  INTEGER NOT NULL,
    setting     TEXT NOT NULL,
    value       TEXT NOT NULL,
    PRIMARY KEY (channel_id, setting)
) STRICT;

-- Messages that were handled behind a gap, where the cursor could not move.
CREATE TABLE handled_ahead (
    channel_id  INTEGER NOT NULL,
    message_id  INTEGER NOT NULL,
    PRIMARY KEY (channel_id, message_id)
) STRICT;

-- What is allowed without asking.
CREATE TABLE rules (
    rule_id  TEXT PRIMARY KEY,
    rule     TEXT NOT NULL                  -- bridge.session.rules.Rule
) STRICT;

-- What of a project's own files acts in a channel: the word that is asked for, and the one that was given.
CREATE TABLE trust (
    channel_id  INTEGER NOT NULL,
    directory   TEXT NOT NULL,              -- a digest of its path (bridge.trust.decision.place_of)
    asked       TEXT NOT NULL DEFAULT '',   -- bridge.trust.decision.Asked
    trusted     TEXT NOT NULL DEFAULT '',   -- bridge.trust.decision.Trusted
    PRIMARY KEY (channel_id, directory)
) STRICT;

-- The slash commands that a server has of us, by their digest.
CREATE TABLE registrations (
    guild_id  INTEGER PRIMARY KEY,
    digest    TEXT NOT NULL
) STRICT;

UPDATE sessions SET
    offers = coalesce((SELECT value FROM facts WHERE name = 'offers:' || session_id), ''),
    accepted_inode = coalesce((SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'accepted:' || session_id), 0),
    held_through = (SELECT CAST(value AS INTEGER) FROM facts WHERE name = 'held:' || session_id AND value <> ''),
    restored = coalesce((SELECT value FROM facts WHERE name = 'restored:' || session_id), ''),
    login_told = coalesce((SELECT value FROM facts WHERE name = 'login:' || session_id), ''),
    has_no_place = EXISTS (SELECT 1 FROM facts WHERE name = 'no_place:' || session_id);

INSERT OR IGNORE INTO invitations (session_id, user_id)
    SELECT session_id, one.value FROM sessions
    JOIN facts ON facts.name = 'invited:' || session_id AND json_valid(facts.value), json_each(facts.value) AS one;

-- A list of numbers with spaces between them is, with commas, one of JSON.
INSERT OR IGNORE INTO dropped_prompts (session_id, prompt_id)
    SELECT session_id, one.value FROM sessions
    JOIN facts ON facts.name = 'dropped_files:' || session_id,
        json_each('[' || replace(trim(facts.value), ' ', ',') || ']') AS one;

INSERT OR IGNORE INTO handled_ahead (channel_id, message_id)
    SELECT CAST(substr(name, 7) AS INTEGER), one.value FROM facts,
        json_each('[' || replace(trim(facts.value), ' ', ',') || ']') AS one
    WHERE name LIKE 'ahead:%';

-- default:<channel>:<setting>
INSERT OR IGNORE INTO channel_defaults (channel_id, setting, value)
    SELECT CAST(substr(name, 9) AS INTEGER), substr(name, 9 + instr(substr(name, 9), ':')), value FROM facts
    WHERE name LIKE 'default:%:%';

INSERT OR IGNORE INTO rules (rule_id, rule)
    SELECT substr(name, 6), value FROM facts WHERE name LIKE 'rule:%' AND value <> '';

-- trust-asked:<channel>:<directory> and trusted:<channel>:<directory>
INSERT INTO trust (channel_id, directory, asked)
    SELECT CAST(substr(name, 13) AS INTEGER), substr(name, 13 + instr(substr(name, 13), ':')), value FROM facts
    WHERE name LIKE 'trust-asked:%:%';
INSERT INTO trust (channel_id, directory, trusted)
    SELECT CAST(substr(name, 9) AS INTEGER), substr(name, 9 + instr(substr(name, 9), ':')), value FROM facts
    WHERE name LIKE 'trusted:%:%'
    ON CONFLICT (channel_id, directory) DO UPDATE SET trusted = excluded.trusted;

INSERT OR IGNORE INTO registrations (guild_id, digest)
    SELECT CAST(substr(name, 10) AS INTEGER), value FROM facts WHERE name LIKE 'commands:%' AND value <> '';

DELETE FROM facts WHERE name LIKE 'offers:%' OR name LIKE 'accepted:%' OR name LIKE 'held:%' OR name LIKE 'restored:%'
    OR name LIKE 'login:%' OR name LIKE 'no\_place:%' ESCAPE '\' OR name LIKE 'invited:%' OR name LIKE 'dropped\_files:%'
    ESCAPE '\' OR name LIKE 'ahead:%' OR name LIKE 'default:%' OR name LIKE 'rule:%' OR name LIKE 'trust-asked:%'
    OR name LIKE 'trusted:%' OR name LIKE 'commands:%';

-- What stays in `facts` is one value of the whole bridge each, that one part writes and reads back, and nothing else asks
-- about: the journal's head, the budget of IDENTIFYs, since when the outbox waits, what was last found of the configured
-- ids (survey), which channels are not contained, and whether people were told of the closed home (walls).
