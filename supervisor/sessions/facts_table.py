"""The table of facts: single values of the whole bridge, each written and read back by one part of it.

Whatever there are several of (of sessions, channels, limits) has a table with a key. A row of named columns instead
would say no more: no two of these are written together, none is looked for by its value, and each new one would be a
migration that older versions refuse. ``Fact`` is the list of the columns that it would have.
"""

from enum import StrEnum

from supervisor.sessions.database import Database


class Fact(StrEnum):
    """What there is. A name that went is left in stores that have it, and nothing reads it."""

    JOURNAL = "journal"
    """The newest entry of the journal that the store knows of (``bridge.journal.chain.Head``)."""
    JOURNAL_LATEST = "journal_latest"
    """The newest one behind it that no power cut is known to have spared, and of which start of the machine."""
    IDENTIFY_BUDGET = "identify_budget"
    """What is left of it, and since when (``supervisor.discord.identify_budget``)."""
    OUTBOX_WAITED_AT = "outbox_waited_at"
    """When it was last tried whether the store takes writes again. Unix seconds."""
    CHANNEL_WORDS = "channel_words"
    """What is still to be said in channels of messages that belong to no session (``threads.channel_words``)."""
    TOLD_ANEW = "told_anew"
    """The ids of the sessions that are being told anew by their logs (``sessions.mended_rows``), with spaces."""
    SURVEY = "survey"
    """What was last found of the configured ids (``supervisor.discord.survey.Survey``)."""
    UNCONTAINED = "uncontained"
    """The ids of the channels in which Claude is not contained, with spaces between them."""
    STRICT_CHANNELS = "strict_channels"
    """How it is decided in the channels where that takes more people, also in those that are configured no more."""
    WALLS = "walls"
    """Whether people were told of the closed home."""
    VERSION_SINCE = "version_since"
    """The version that runs here, and since when."""


class FactsTable(Database):
    def fact(self, name: Fact) -> str:
        """Empty when it was never kept."""
        rows = self._execute("SELECT value FROM facts WHERE name = ?", (name.value,))
        return str(rows[0][0]) if rows else ""

    def remember(self, name: Fact, value: str) -> None:
        self._execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name.value, value))
