"""What each slash command does, and the buttons and selects that they show."""

import logging
from collections.abc import Callable, Mapping

from bridge.discord_numbers import AnswerType
from bridge.protocol.errors import UserError
from bridge.render import replies
from bridge.render.posts import Post, payload
from bridge.render.view import ThreadView
from bridge.routing.actions import EndSession, InterruptSession, Refuse, RequeuePrompt
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import Clicked
from bridge.session import custom_ids
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from bridge.text import escape, one_line
from supervisor.commands.answer import Answer, answer_again, answer_choices, answer_in_words, answer_with, option
from supervisor.commands.channel_mode import ChannelMode
from supervisor.commands.claude_commands import ClaudeCommands
from supervisor.commands.invitations import Invitations
from supervisor.commands.new_command import NewCommand
from supervisor.commands.plain_commands import PlainCommands
from supervisor.commands.project_command import ProjectCommand
from supervisor.commands.rules_command import RulesCommand
from supervisor.commands.sight import Sight
from supervisor.commands.slash_settings import SettingsCommand
from supervisor.commands.status_command import StatusCommand
from supervisor.commands.trust_command import TrustCommand
from supervisor.config_in_force import Settings
from supervisor.discord.asking import Commanding
from supervisor.discord.shapes import Interaction
from supervisor.projects.channels import ProjectChannels
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.trust import Trusts
from supervisor.threads.gone import is_gone

TOO_LATE = "Claude took this up already, or it was withdrawn."

log = logging.getLogger(__name__)


class Slash:
    """What each command does."""

    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        rest: Commanding,
        settings: Settings,
        sight: Sight,
        trusts: Trusts,
        projects: ProjectChannels,
    ) -> None:
        self._manager = manager
        self._router = router
        self._rest = rest
        channels = self._channels = settings.channels
        self._sight = sight
        self._plain = PlainCommands(manager, router, rest, channels, sight)
        self._channel_mode = ChannelMode(manager, router, rest, channels)
        self._settings = SettingsCommand(
            manager, router, self._channel_mode, channels, sight, may_bypass=lambda: settings.now.bypass_permissions
        )
        self._projects = ProjectCommand(manager, router, settings, sight, projects)
        self._new = NewCommand(manager, router, rest, channels, sight)
        self._claude_commands = ClaudeCommands(manager, trusts)
        self._trust = TrustCommand(manager, channels, trusts)
        self._invitations = Invitations(manager, router)
        self._rules = RulesCommand(manager, channels)
        self._status = StatusCommand(manager, router, sight, self._listed)
        self._commands = self._table()

    def _table(self) -> Mapping[str, Callable[[Interaction, Person], Answer]]:
        return {
            "new": self._new.run,
            "stop": self._stop,
            "continue": self._continue,
            "status": lambda asked, _: self._status.run(asked),
            "queue": lambda asked, _: self._queue(asked),
            **dict.fromkeys(("model", "mode", "effort"), lambda asked, _: self._settings.run(asked)),
            **dict.fromkeys(("claude", "compact", "clear", "context", "cost"), self._claude_commands.run),
            "trust": lambda asked, _: self._trust.run(asked),
            "rules": lambda asked, _: self._rules.run(asked),
            "project": self._projects.run,
            **dict.fromkeys(("invite", "uninvite"), self._invitations.run),
            "help": lambda *_: answer_in_words(replies.HELP),
        }

    def run(self, asked: Interaction) -> Answer:
        """A command. Raises UserError for the person who ran it."""
        name = str(asked.data.get("name", ""))
        person = self._allowed(asked, name)
        if carry_out := self._commands.get(name):
            return carry_out(asked, person)
        gone = escape(one_line(name, 40))
        return answer_in_words(f"There is no command /{gone} here (any more). `/help` shows those there are.")

    def picked(self, asked: Interaction) -> Answer | None:
        """A choice in one of our selects, a button that steers a turn or turns a page; None when it is none of ours."""
        if answer := self._steered(asked) or self._another_page(asked):
            return answer
        if answer := self._channel_mode.picked(asked) or self._plain.picked(asked):
            return answer
        if asked.data.get("custom_id") != custom_ids.STOP_PICKER:
            return None
        person = self._allowed(asked, "stop")
        values = asked.data.get("values")
        session = self._manager.get_session(str(values[0]) if isinstance(values, list) and values else "")
        if session is None or session.channel_id != asked.channel_id:
            raise UserError("This session belongs to another channel, so nothing was stopped.")
        return Answer(AnswerType.UPDATE, payload(Post(self._stop_one(session, asked, person)), editing=True))

    def list_again(self, asked: Interaction) -> Post | None:
        """What stood around the button that was pressed in an answer of ours, as it is now; None: nothing changes."""
        custom_id = str(asked.data.get("custom_id", ""))
        if custom_ids.rule_button(custom_id):
            return self._rules.listed(asked)
        return Post() if custom_ids.session_to_make_strict(custom_id) else None  # what /mode said is over

    async def trusted_again(self, asked: Interaction) -> Post:
        return await self._trust.listed(asked)

    def _another_page(self, asked: Interaction) -> Answer | None:
        if (wanted := custom_ids.StatusButton.parse(str(asked.data.get("custom_id", "")))) is None:
            return None
        self._allowed(asked, "status")
        return self._status.turned(asked, wanted)

    def _allowed(self, asked: Interaction, command: str) -> Person:
        """Who asked, when they have the right that the command needs at least. Raises UserError."""
        person = asked.person
        self._manager.delivery.note(asked.guild_id, person.user_id, person.role_ids)
        if words := self._router.lacks_for(command, person, asked.guild_id, self._place(asked)):
            raise UserError(words)
        return person

    def _place(self, asked: Interaction) -> int:
        """The session's thread or the channel; of a thread without a session, its channel."""
        is_ours = asked.channel_id in self._channels or self._manager.session_of_thread(asked.channel_id)
        return asked.channel_id if is_ours else asked.parent_id or asked.channel_id

    def complete(self, asked: Interaction) -> Answer:
        """What fits what was typed so far; nothing for who may not use it."""
        command = str(asked.data.get("name", ""))
        if self._router.lacks_for(command, asked.person, asked.guild_id, self._place(asked)):
            return answer_choices()
        match asked.data.get("name"):
            case "model" | "mode" | "effort":
                return self._settings.complete(asked)
            case "claude":
                return self._claude_commands.complete(asked)
            case _:
                return self._new.complete(asked)

    # --- /stop ---------------------------------------------------------------------------------------

    def _stop(self, asked: Interaction, person: Person) -> Answer:
        if session := self._manager.session_of_thread(asked.channel_id):
            if words := self._router.lacks_to_stop(session, person):
                raise UserError(words)
            if session.is_processing and (waiting := self._manager.waiting.all(session.session_id)):
                return answer_with(replies.stop_what_waits(session.session_id, len(waiting)))
            return answer_in_words(self._stop_one(session, asked, person))
        if asked.channel_id not in self._channels:
            raise UserError("There is no session of Claude's here.")
        mine = [s for s in self._manager.active_sessions() if s.channel_id == asked.channel_id]
        return answer_with(replies.stop_picker(self._listed(mine), self._manager.clock()))

    def _stop_one(self, session: ManagedSession, asked: Interaction, person: Person) -> str:
        """Carry out what the router says; then what it did, in words."""
        listed = self._listed([session])[0]
        if self._manager.row(session.session_id).ended_at is not None:
            raise UserError("This session has ended already.")
        match self._router.abort(session.thread_id, person):
            case InterruptSession(session_id):
                dropped = len(self._manager.waiting.all(session_id))
                self._manager.interrupt(session_id, str(asked.id), person.user_id)
                return replies.stopped(listed, interrupted=True, dropped=dropped)
            case EndSession(session_id):
                self._manager.destroy_session(session_id, f"ended by {person.name}", person.user_id)
                return replies.stopped(listed, interrupted=False)
            case Refuse(text):
                raise UserError(text)
            case action:
                raise AssertionError(f"/stop cannot lead to {action}")

    # --- what waits ----------------------------------------------------------------------------------

    def _queue(self, asked: Interaction) -> Answer:
        if (session := self._manager.session_of_thread(asked.channel_id)) is None:
            raise UserError("There is no session of Claude's here.")
        return answer_with(self._waiting(session.session_id))

    def _waiting(self, session_id: str) -> Post:
        waiting = self._manager.waiting.all(session_id)
        return replies.queue(session_id, [(one.prompt_id, one.text, one.when) for one in waiting])

    def _steered(self, asked: Interaction) -> Answer | None:
        custom_id = str(asked.data.get("custom_id", ""))
        match self._router.steer(Clicked(custom_id, asked.channel_id, asked.guild_id, asked.person)):
            case None:
                return None
            case RequeuePrompt(session_id, prompt_id, when):
                by = asked.person.user_id
                is_first = self._manager.waiting.requeue(session_id, prompt_id, when, str(asked.id), by)
                if asked.is_for_one:
                    return answer_again(self._waiting(session_id), "" if is_first else TOO_LATE)
                return Answer(AnswerType.DEFERRED_UPDATE) if is_first else answer_in_words(TOO_LATE)
            case InterruptSession(session_id, keeps_waiting):
                self._manager.interrupt(session_id, str(asked.id), asked.person.user_id, keep_queued=keeps_waiting)
                return Answer(AnswerType.UPDATE, payload(Post(replies.stopping(keeps=keeps_waiting)), editing=True))
            case Refuse(text):
                raise UserError(text)
            case action:
                raise AssertionError(f"a button that steers cannot lead to {action}")

    # --- /continue, and what is listed -----------------------------------------------------------------------

    def _continue(self, asked: Interaction, person: Person) -> Answer:
        session = self._manager.session_of_thread(asked.channel_id)
        session = session or self._manager.most_recent_session(asked.channel_id, self._has_place)
        if session is None:
            may_begin = asked.channel_id in self._channels and not self._sight.unfit(asked.channel_id)
            return answer_in_words(replies.nothing_to_continue(may_begin=may_begin))
        prompt = option(asked, "prompt").strip()
        card = replies.resumed(self._listed([session])[0], prompt)
        if prompt:
            self._manager.prompt(session.session_id, asked.id, prompt, person)
        else:
            self._manager.reopen(session.session_id)
        return answer_with(card, to_all=True)

    def _has_place(self, session: ManagedSession) -> bool:
        return not is_gone(self._manager, session.session_id)

    def _listed(self, sessions: list[ManagedSession]) -> list[replies.Listed]:
        """Those that work first, then by their last activity."""
        ordered = sorted(sessions, key=lambda s: (s.is_processing, s.last_activity), reverse=True)
        return [
            _listed(s, self._manager.title(s.session_id), self._manager.shown_state(s.session_id), self._view(s))
            for s in ordered
        ]

    def _view(self, session: ManagedSession) -> ThreadView:
        return self._manager.row(session.session_id).view


def _listed(session: ManagedSession, title: str, state: str, view: ThreadView) -> replies.Listed:
    limit_at = view.limit_at if view.limit_key else 0.0
    return replies.Listed(session, title, state, view.lost_turn is not None, limit_at, bool(view.limit_wanted))
