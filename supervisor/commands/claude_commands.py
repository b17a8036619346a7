"""Claude's own slash commands: its built-in ones, and the user's commands and skills.

The project's can run programs by themselves, so Claude has them only where somebody trusts them
(``supervisor.sessions.trust``).

They are prompts that Claude reads as commands; what a person merely writes never is one. In a running turn they wait
until it is over.
"""

from typing import Any

from bridge.discord_numbers import CHOICE_CHARS
from bridge.protocol import events as e
from bridge.protocol.errors import UserError
from bridge.render import replies
from bridge.render.posts import Post, payload
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from bridge.text import inline_code
from supervisor.commands.answer import Answer, answer_choices, answer_in_words, answer_later, option
from supervisor.discord.shapes import Interaction
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.trust import Trusts

SHORT_FORMS = ("compact", "clear", "context", "cost")
"""Those that are commands of ours too."""
ELSEWHERE = {"model": "/model", "effort": "/effort", "exit": "/stop"}
"""What this bridge has to know of goes through its own commands."""
NOT_HERE = frozenset({"color", "config", "focus", "heapdump", "mcp", "output-style", "plugin", "rename", "agents"})
"""They change the terminal's screen or the host's settings, which is not for a thread."""

PROJECTS_ARE_OFF = "The project's own commands and skills (`.claude`) are off unless they are trusted: "
NOTHING_TO_TRUST = "`/trust` says what is; this project has none that are not."
ASKED_NOW = "the card that asks is in the thread now."


class ClaudeCommands:
    def __init__(self, manager: SessionManager, trusts: Trusts) -> None:
        self._manager = manager
        self._trusts = trusts

    def run(self, asked: Interaction, person: Person) -> Answer:
        """``/claude`` or one of the short forms. Raises UserError."""
        name = str(asked.data.get("name", ""))
        session = self._session(asked)
        command = option(asked, "command").strip().lstrip("/") if name == "claude" else name
        if unknown := self._check(command, session):
            return answer_later(lambda: self._offer(session, unknown))
        arguments = " ".join(option(asked, "arguments").split())
        text = f"/{command} {arguments}".strip()
        self._manager.prompt(session.session_id, asked.id, text, person, is_command=True)
        return answer_in_words(replies.command_sent(text, waits=session.is_processing))

    def complete(self, asked: Interaction) -> Answer:
        typed = option(asked, "command").strip().lstrip("/").lower()
        fitting = [one for one in self._offered(self._session(asked)) if typed in one.name.lower()]
        fitting.sort(key=lambda one: (not one.name.lower().startswith(typed), one.name))
        return answer_choices((_label(one), one.name[:CHOICE_CHARS]) for one in fitting)

    def _session(self, asked: Interaction) -> ManagedSession:
        if session := self._manager.session_of_thread(asked.channel_id):
            return session
        raise UserError("Claude's commands work in a session's thread. `/new` starts a session.")

    def _offered(self, session: ManagedSession) -> list[e.Offer]:
        hidden = NOT_HERE | ELSEWHERE.keys()
        commands = self._manager.offers_of(session).commands
        return [one for one in commands if one.name not in hidden and not one.name.startswith("_")]

    async def _offer(self, session: ManagedSession, unknown: str) -> dict[str, Any]:
        """It may be one of the project's: their card is shown, if they have one that waits."""
        words = ASKED_NOW if (await self._trusts.offer(session)).asks else NOTHING_TO_TRUST
        return payload(Post(f"{unknown} {PROJECTS_ARE_OFF}{words}"), editing=True)

    def _check(self, command: str, session: ManagedSession) -> str:
        """Why it cannot be run, when Claude has no such command; else empty. Raises UserError."""
        if command in ELSEWHERE:
            raise UserError(f"Use {ELSEWHERE[command]} of this bridge for that.")
        known = {one.name for one in self._offered(session)}
        if command in SHORT_FORMS or command in known:
            return ""
        if not known:
            raise UserError("Claude has not said yet which commands it has. Write something first, then try again.")
        return f"Claude has no command {inline_code(f'/{command}', 60)} here. Choose one from the list."


def _label(one: e.Offer) -> str:
    hint = f" {one.hint}" if one.hint else ""
    about = f": {one.description}" if one.description else ""
    return f"/{one.name}{hint}{about}"
