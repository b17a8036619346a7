-- Threadbridge's store, version 4: what was said of several usage limits was one value in `facts`, and is a table.
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

DELETE FROM facts WHERE name = 'usage';
