-- Threadbridge's store, version 3: what came to `facts` under composed names since version 2 has tables, too.

-- Prompts of a restored backup that a worker's log took over and that are not to be sent to Claude.
CREATE TABLE void_prompts (
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    prompt_id   INTEGER NOT NULL,
    PRIMARY KEY (session_id, prompt_id)
) STRICT;

-- What was asked on the host and is carried out, but perhaps not answered yet.
CREATE TABLE letter_answers (
    number  INTEGER PRIMARY KEY,
    answer  TEXT NOT NULL                   -- supervisor.letters.Answer
) STRICT;

-- The last prompt that somebody began in a channel and that no message joins any more: its first and last message.
CREATE TABLE closed_bursts (
    channel_id  INTEGER NOT NULL,
    author_id   INTEGER NOT NULL,
    session_id  TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
    first_id    INTEGER NOT NULL,
    last_id     INTEGER NOT NULL,
    PRIMARY KEY (channel_id, author_id)
) STRICT;

-- A list of numbers with spaces between them is, with commas, one of JSON.
INSERT OR IGNORE INTO void_prompts (session_id, prompt_id)
    SELECT session_id, one.value FROM sessions
    JOIN facts ON facts.name = 'void:' || session_id,
        json_each('[' || replace(trim(facts.value), ' ', ',') || ']') AS one;

INSERT OR IGNORE INTO letter_answers (number, answer)
    SELECT CAST(substr(name, 8) AS INTEGER), value FROM facts WHERE name LIKE 'letter:%';

-- burst:<channel>:<author>
INSERT OR IGNORE INTO closed_bursts (channel_id, author_id, session_id, first_id, last_id)
    SELECT CAST(substr(name, 7) AS INTEGER), CAST(substr(name, 7 + instr(substr(name, 7), ':')) AS INTEGER),
        sessions.session_id, json_extract(burst, '$.first'), json_extract(burst, '$.last')
    FROM (SELECT name, CASE WHEN json_valid(value) THEN value ELSE '{}' END AS burst FROM facts
            WHERE name LIKE 'burst:%:%')
        JOIN sessions ON sessions.session_id = json_extract(burst, '$.session_id');

DELETE FROM facts WHERE name LIKE 'void:%' OR name LIKE 'letter:%' OR name LIKE 'burst:%';

-- What stays in `facts` is one value of the whole bridge each: supervisor/sessions/facts_table.py says which, and why.
