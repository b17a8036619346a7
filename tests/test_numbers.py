"""Each limit, time and default that a page tells is the code's."""

import re
import tomllib
from collections.abc import Callable

import msgspec
import pytest

from bridge.protocol import claude_version, directories, layout, limits, records
from bridge.protocol.login import USAGE_MARKS
from bridge.render import cards, outages
from bridge.routing import bursts
from bridge.routing.permissions import ALL_ASKED
from bridge.session import managed
from stages.support import ROOT
from supervisor.config import checked, file
from supervisor.config.durations import seconds_of
from supervisor.config.table import Table
from supervisor.config_in_force import AT_THE_NEXT_START
from supervisor.discord import rest
from supervisor.operator import backup, health_file, metrics_server, status
from supervisor.projects import project_files
from supervisor.sessions import journal, pruning
from supervisor.threads import carrier
from supervisor.workers import processes
from worker import brake, claude, guard, log, rank, stream, texts, tools

WINDOW_S = seconds_of(file.DiscordTable().burst) or 0.0
MIB, GIB = 1 << 20, 1 << 30


def in_minutes(pauses_s: tuple[float, ...]) -> str:
    *first, last = (f"{pause_s / 60:g}" for pause_s in pauses_s)
    return f"{', '.join(first)} and {last} minutes"


SYNCED = ", ".join(event.__name__ for event in log._SYNCED)
SAID: dict[str, tuple[str, ...]] = {
    "docs/architecture.md": (
        f"a line above {claude.LINE_LIMIT_BYTES // MIB} MiB is skipped",
        f"a tool's output kept to {tools.OUTPUT_KEPT_BYTES >> 10} KiB",
        f"a text to {texts.TEXT_KEPT_CHARS >> 10} Ki characters",
        {4: "all of a turn to four times that"}[texts.TURN_KEPT_CHARS // texts.TEXT_KEPT_CHARS],
        f"a record to {records.MOST_RECORD_BYTES // MIB} MiB",
        f"makes more than {brake.A_SECOND:g} records a second",
        f"one with more than {stream.MOST_OPEN:,} tools, tasks and questions open",
        {5: "once it did so five times in a row"}[guard.REFUSALS_BORNE],
        {1.0: "once a second it counts its tree and decides"}[guard.LOOK_INTERVAL_S],
        f"`fdatasync` at {SYNCED}.",
        f"No record is longer than {records.MOST_RECORD_BYTES // MIB} MiB; a permission input above"
        f" {records.MOST_INPUT_BYTES // 1_000_000} MB is denied",
        {60.0: "after a lost reply the same nonce within a minute"}[carrier.NONCE_S],
        f"wished of it or `kill` rings, else every {processes.LOOK_AT_ALL_INTERVAL_S:g} s",
        {3: "*broken* (three quick deaths"}[managed.QUICK_DEATHS_BEFORE_BROKEN],
        f"background task or prompt) for {(seconds_of(file.SessionsTable().hibernate_after) or 0) / 60:g} minutes",
    ),
    "docs/configuration.md": (
        f"**Claude Code** must be {claude_version.OLDEST} or newer",
        f"A share of memory is never below {limits.LEAST_MEMORY_BYTES // GIB} GB",
        f"a niceness {rank.NICENESS} higher and an `oom_score_adj` of {rank.OOM_SCORE}",
        f"a socket's path has at most {layout.SOCKET_PATH_BYTES} bytes",
        f"can have about {layout.SOCKET_PATH_BYTES - len('/' + layout._LONGEST_SOCKET_NAME)}",
        f"(at most {checked.LONGEST_BURST_S:g}s)",
        f"{limits.CPU_WEIGHTS[0]} to {limits.CPU_WEIGHTS[1]}, beside other sessions",
    ),
    "docs/operations.md": (
        f"or has said nothing for {health_file.OLD_S:g} seconds",
        {60.0: "Discord has been away, or not read back, for longer than a minute"}[status.AWAY_S],
        {120.0: "waited for more than two minutes"}[status.WAITS_S],
        f"less than {status.LITTLE_DISK // MIB} MiB are free",
        f"less than {status.NEARLY_LITTLE // GIB} GiB, four fifths of the sessions",
        {8: "Eight connections at a time are answered"}[metrics_server.MOST_CONNECTIONS],
        f"holes ({backup.MOST_HOLES // MIB} MiB and more)",
        {6 * 3600.0: "every six hours"}[pruning.EVERY_S],
    ),
    "docs/walks.md": (f"Discord gets its answer, which is void after {rest.ANSWER_PATIENCE_S:g} s",),
    "docs/trust.md": (
        f"one file has at most {project_files.MOST_BYTES >> 10} KiB, all together"
        f" {project_files.MOST_BYTES_IN_ALL // MIB} MiB and {project_files.MOST_FILES} files",
    ),
    "docs/audit.md": ({86_400.0: "then once a day the service logs the head"}[journal.SAID_EVERY_S],),
    "docs/commands.md": (
        f"within {WINDOW_S:g} s of each other",
        f"while you type, for {WINDOW_S * bursts.TYPING:g} s",
        f"so for a moment ({bursts.MOMENT_S:g} seconds)",
        f"A session can have {directories.MOST}.",
        f"of more than {cards.DIFF_LINES} lines the first and the last are shown",
        f"At {min(USAGE_MARKS)} and at {max(USAGE_MARKS)} % of one",
        f"again after {in_minutes(outages.PAUSES_S)}",
    ),
    "docs/discord.md": (f"The permissions number is `{ALL_ASKED}`", f"permissions={ALL_ASKED}`"),
    "docs/troubleshooting.md": (f"Claude Code is older than {claude_version.OLDEST}",),
}
"""By page, in its words, what follows from the code."""


@pytest.mark.parametrize(("page", "words"), [(page, words) for page, rows in SAID.items() for words in rows])
def test_what_a_page_tells_in_numbers_is_the_codes(page: str, words: str) -> None:
    assert words in re.sub(r"\s+", " ", (ROOT / page).read_text())


# --- the reference of the configuration ------------------------------------------------------------------

BLOCK = re.search(r"```toml\n(.*?)```", (ROOT / "docs/configuration.md").read_text(), re.DOTALL)
EXAMPLES = {
    ("access", "users"),
    ("channels", "id"),
    ("channels", "directory"),
    ("channels", "git_push"),
}
"""What has no default, or where the page shows another value for that."""


def told() -> dict[str, dict[str, object]]:
    """By table, the keys that the page names and what stands there."""
    assert BLOCK
    tables = tomllib.loads(BLOCK[1])
    (channel,) = tables.pop("channels")
    return {**tables, "channels": channel}


def defaults(table: type[Table]) -> dict[str, object]:
    of_nothing = {field.encode_name: field for field in msgspec.structs.fields(table)}
    return {name: _plain(field) for name, field in of_nothing.items()}


def _plain(field: msgspec.structs.FieldInfo) -> object:
    made: Callable[[], object] | object = field.default_factory
    value = made() if made is not msgspec.NODEFAULT and callable(made) else field.default
    return list(value) if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", [*file.TABLES, "channels"])
def test_the_reference_names_each_key_and_its_default(name: str) -> None:
    table = file.ChannelTable if name == "channels" else file.TABLES[name]
    page, code = told()[name], defaults(table)
    assert set(page) <= set(code)
    assert BLOCK and [key for key in set(code) - set(page) if not re.search(rf"# .*\b{key}\b", BLOCK[1])] == []
    plain = set(page) & {
        key for key, value in code.items() if not isinstance(value, msgspec.Struct) and (name, key) not in EXAMPLES
    }
    assert {key: page[key] for key in plain} == {key: code[key] for key in plain}


def test_the_reference_names_what_counts_only_from_the_next_start_on() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    (named,) = re.findall(r"What cannot\s+change while it runs \(([^)]+)\)", page)
    assert set(re.findall(r"`([\w.]+)`", named)) == set(AT_THE_NEXT_START.values())


def test_the_reference_names_no_other_table() -> None:
    assert set(told()) == {*file.TABLES, "channels"}
