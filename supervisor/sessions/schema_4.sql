-- Threadbridge's store, version 4: what came to `facts` of several limits and channels since version 3 has tables, too.
-- Which values stay there, and why, supervisor/sessions/facts_table.py says.

CREATE TABLE usage_said (
    limit_name  TEXT PRIMARY KEY,
    mark        INTEGER NOT NULL,           -- percent
    resets_at   REAL NOT NULL,              -- Unix seconds; 0: nobody told
    said_at     REAL NOT NULL               -- Unix seconds
) STRICT;

-- usage: {"five_hour": {"mark": 80, "resets_at": 1800000000.0, "at": 1.0}, …}
INSERT OR IGNORE INTO usage_said (limit_name, mark, resets_at, said_at)
    SELECT one.key, json_extract(one.value, '$.mark'), json_extract(one.value, '$.resets_at'),
        json_extract(one.value, '$.at')
    FROM facts, json_each(CASE WHEN json_valid(facts.value) THEN facts.value ELSE '{}' END) AS one
    WHERE facts.name = 'usage' AND json_type(one.value) = 'object';

-- The directory that a channel had when it was last looked at.
CREATE TABLE channel_projects (
    channel_id  INTEGER PRIMARY KEY,
    directory   TEXT NOT NULL
) STRICT;

INSERT OR IGNORE INTO channel_projects (channel_id, directory)
    SELECT CAST(substr(name, 9) AS INTEGER), value FROM facts WHERE name LIKE 'project:%';

DELETE FROM facts WHERE name = 'usage' OR name LIKE 'project:%';
