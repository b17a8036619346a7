"""/model, /mode and /effort: what a session, or every new one of a channel, runs with.

A thread's choice is a wish to its worker; what came of it is told by the event that answers it. A channel's choice is
what its sessions begin with. What can be chosen is what Claude's own last child said.
"""

import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from bridge.protocol.errors import UserError
from bridge.render import loosened, replies
from bridge.render.posts import Button, Post
from bridge.routing.channel import Channel
from bridge.routing.needs import MANAGE, TALK
from bridge.routing.router import BridgeRouter
from bridge.session.managed import ManagedSession
from bridge.text import one_line
from supervisor.commands.answer import Answer, answer_choices, answer_in_words, answer_later, answer_with, option
from supervisor.commands.channel_mode import ChannelMode
from supervisor.commands.sight import Sight
from supervisor.discord.shapes import Interaction
from supervisor.meant import meant, meant_model
from supervisor.sessions.manager import SessionManager

MODES = {
    "default": "asks before it changes anything",
    "acceptEdits": "edits, and runs rm, mv, mkdir and sed in the directory, without asking",
    "plan": "looks and plans, and changes nothing",
    "dontAsk": "does only what is allowed already, and never asks",
    "auto": "decides by itself what is safe enough not to ask",
}
BYPASS = {"bypassPermissions": "asks nothing, ever; only where the configuration allows it"}
EFFORTS = ("low", "medium", "high", "xhigh", "max")
"""What the CLI takes (docs/claude-protocol.md, "Command line"); of a model's own list, which it tells, the first."""
DEFAULT = "default"
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:\[\]/-]{0,99}")
SETTING_OF = {"model": "model", "mode": "permission_mode", "effort": "effort"}


class Choice(msgspec.Struct, frozen=True):
    """A value and what it means."""

    value: str
    meaning: str = ""


class SettingsCommand:
    """``may_bypass``: whether the configuration lets sessions run without any permission now."""

    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        channel_mode: ChannelMode,
        channels: Mapping[int, Channel],
        sight: Sight,
        *,
        may_bypass: Callable[[], bool],
    ) -> None:
        self._manager = manager
        self._router = router
        self._channel_mode = channel_mode
        self._channels = channels
        self._sight = sight
        self._may_bypass = may_bypass

    def run(self, asked: Interaction) -> Answer:
        """Raises UserError for a value that cannot be, and where there is neither a session nor a channel."""
        name = str(asked.data.get("name", ""))
        setting, value = SETTING_OF[name], option(asked, name).strip()
        session, channel_id = self._place(asked)
        if not value:
            return self._show_value(name, session, channel_id)
        doubt = self._check(name, value, session or self._manager.offering_session(channel_id))
        if words := self._lacks(asked, name, value, session, channel_id):
            raise UserError(words)
        if name == "mode" and (words := self._router.access(channel_id).bars(value)):
            raise UserError(f"{words} Nothing was changed.")
        loosens = name == "mode" and self._router.loosens(session, channel_id, value)
        if loosens and session is None:
            return answer_later(lambda: self._channel_mode.loosen(asked, channel_id, value))
        for_channel = session is None or option(asked, "for_channel") == "True"
        if loosens and session:
            self._show_loosened(asked, session, value, for_channel=for_channel)
        by, stored = asked.person.user_id, "" if value == DEFAULT and name != "mode" else value
        if for_channel and name == "mode":
            if told := self._channel_mode.choose(asked, channel_id, stored, session):
                return told
        elif for_channel:
            self._manager.set_default(channel_id, setting, stored, by)
        if session:
            self._manager.configure(session.session_id, str(asked.id), setting, stored, by, loosens=loosens)
        runs = session is not None and bool(session.worker_pid)
        chosen = replies.setting_chosen(name, value, in_thread=bool(session), runs=runs, for_channel=for_channel)
        return answer_in_words(f"{chosen}{doubt}")

    def _show_value(self, name: str, session: ManagedSession | None, channel_id: int) -> Answer:
        """What it is now, and what ends a mode that asks less."""
        ends_it: tuple[Button, ...] = ()
        if session and name == "mode":
            ends_it = loosened.ends_it(session.session_id, self._manager.setting(session, SETTING_OF[name]))
        elif name == "mode":
            ends_it = loosened.ends_in_channel(channel_id, self._manager.default(channel_id, SETTING_OF[name]))
        return answer_with(Post(self._words_of_value(name, session, channel_id), buttons=ends_it))

    def _show_loosened(self, asked: Interaction, session: ManagedSession, mode: str, *, for_channel: bool) -> None:
        """To all in the thread, and that it is so for the channel too."""
        by = asked.person.user_id
        post = loosened.in_thread(mode, by, session.thread_id)
        self._manager.show(session.session_id, f"{loosened.KEY}:{asked.id}", post)
        if for_channel:
            post = loosened.in_channel(mode, by, session.channel_id)
            self._manager.show(session.session_id, f"{loosened.KEY}:channel:{asked.id}", post)

    def _lacks(self, asked: Interaction, name: str, value: str, session: ManagedSession | None, channel_id: int) -> str:
        """What the person is told who may not choose this."""
        loosens = name == "mode" and self._router.loosens(session, channel_id, value)
        if session is None or loosens or option(asked, "for_channel") == "True":
            return self._router.lacks(MANAGE, asked.person, asked.guild_id, channel_id)
        return self._router.lacks_in(session, (*TALK, *MANAGE), asked.person)

    def complete(self, asked: Interaction) -> Answer:
        name = str(asked.data.get("name", ""))
        session, channel_id = self._place(asked)
        typed = option(asked, name).strip().lower()
        choices = self._choices(name, session or self._manager.offering_session(channel_id))
        if name == "mode":
            choices = [c for c in choices if not self._router.access(channel_id).bars(c.value)]
        fitting = [c for c in choices if typed in c.value.lower() or typed in c.meaning.lower()]
        return answer_choices((f"{c.value}: {c.meaning}" if c.meaning else c.value, c.value) for c in fitting)

    def _place(self, asked: Interaction) -> tuple[ManagedSession | None, int]:
        """(the thread's session, the channel)."""
        if session := self._manager.session_of_thread(asked.channel_id):
            return session, session.channel_id
        if asked.channel_id not in self._channels:
            raise UserError("There is no session of Claude's here, and this is no channel of Claude's.")
        if why := self._sight.unfit(asked.channel_id):
            raise UserError(f"No session can begin here: the configured id {asked.channel_id} {why}.")
        return None, asked.channel_id

    def _choices(self, name: str, session: ManagedSession | None) -> Sequence[Choice]:
        told_by_claude = self._manager.offers_of(session)
        match name:
            case "model":
                known = [Choice(model.name, model.description) for model in told_by_claude.models]
                return known or [Choice(DEFAULT, "what Claude chooses")]
            case "mode":
                return [Choice(*mode) for mode in (MODES | (BYPASS if self._may_bypass() else {})).items()]
            case _:
                model = self._manager.setting(session, "model") if session else ""
                mine = next((m.efforts for m in told_by_claude.models if m.name == (model or DEFAULT)), ())
                return [Choice(DEFAULT, "what the model begins with"), *(Choice(one) for one in mine or EFFORTS)]

    def _check(self, name: str, value: str, session: ManagedSession | None) -> str:
        """What is doubtful about a value that can be, in words. Raises UserError for one that cannot."""
        choices = [choice.value for choice in self._choices(name, session)]
        if name == "model" and _MODEL_NAME.fullmatch(value):  # Claude lists its aliases; a full name is as good
            near = meant_model(value, choices)
            return f" Claude may know no such model; did you mean `{near}`?" if near else ""
        if value in choices or (name == "effort" and value in EFFORTS):
            return ""
        near = meant(value, choices)
        did = f" Did you mean `{near}`?" if near else ""
        raise UserError(f"`{one_line(value, 60)}` is no {name}.{did} There is: {', '.join(choices)}.")

    def _words_of_value(self, name: str, session: ManagedSession | None, channel_id: int) -> str:
        setting = SETTING_OF[name]
        now = self._manager.setting(session, setting) if session else self._manager.default(channel_id, setting)
        choices = self._choices(name, session or self._manager.offering_session(channel_id))
        return replies.setting_now(name, now, [(c.value, c.meaning) for c in choices], in_thread=session is not None)
