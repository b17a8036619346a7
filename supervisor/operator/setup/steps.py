"""The steps of set-up, in their order. Each looks at what there is, says it, and asks for what is missing.

    machine ──▶ token ──▶ servers ──▶ channels ──▶ person ──▶ finish

A step that is done leaves its whole result in the files, so whoever stops goes on there: the next run finds it, and an
empty answer keeps it. What cannot be done without the token is skipped with it, and said at the end.
"""

import os
from pathlib import Path

import bridge
from bridge.protocol.errors import UserError
from bridge.routing.places import unfit_in_words
from bridge.text import one_line
from supervisor import config as configuration
from supervisor import token_file
from supervisor.config.document import Changes
from supervisor.operator.setup import directory, machine, portal
from supervisor.operator.setup.asked_discord import Discord, RefusedTokenError
from supervisor.operator.setup.given import Given
from supervisor.operator.setup.kept import Kept
from supervisor.operator.setup.offers import ChoiceError, Offer, Server, chosen, listed
from supervisor.operator.setup.pasted import instead, token_in
from supervisor.operator.setup.person import FirstPerson
from supervisor.operator.setup.terminal import Terminal
from supervisor.places import HOME_STATE

JOIN_WAIT_S = 600.0
TRIES = 5
"""How often a wrong answer is asked for again."""
STEPS = ("This machine", "The bot's token", "The server", "Channels", "You")


class Setup:
    """One run. ``discord``: once the token is accepted."""

    def __init__(self, given: Given, terminal: Terminal) -> None:
        self._given = given
        self._talk = terminal
        self._kept = Kept(given.config)
        self.discord: Discord | None = None
        self._application = portal.Application(0)
        self._servers: list[Server] = []
        self._names: dict[int, str] = {}

    def run(self) -> None:
        """Raises UserError for what ends it, KeyboardInterrupt when the person does."""
        self._talk.say("Enter skips a step or keeps what is there; Ctrl-C ends this, and what was done stays.")
        self._talk.say(f"configuration: {self._kept.config}{' (new)' if self._kept.is_new else ''}")
        steps = (self.machine, self.token, self.servers, self.channels, self.person)
        for n, (name, step) in enumerate(zip(STEPS, steps, strict=True), 1):
            self._talk.say(f"\n{n}/{len(STEPS)}  {name}")
            step()
        self.finish()

    def machine(self) -> None:
        machine.mind(self._kept, self._talk, self._state())

    def person(self) -> None:
        first = FirstPerson(self._kept, self._talk, self._names)
        if self._given.users:
            first.add(self._given.users)
        else:
            first.find(self.discord)

    def _state(self) -> Path:
        home = os.environ.get("HOME", "/")
        return Path(self._kept.known.state or f"{home}/{HOME_STATE}").expanduser().absolute()

    # --- the token -------------------------------------------------------------------------------------

    def token(self) -> None:
        if self._kept.has_credential and not self._given.token_file:
            self._talk.yes("it is the service's credential; --token-file FILE and `install --system` replace it")
            return
        if self._given.token_file:
            self._take_file(Path(self._given.token_file).expanduser().absolute())
        elif not self._keeps_token():
            self._ask_token()
        if self.discord is None:
            self._talk.no("no token yet: what follows and needs Discord is skipped")
            return
        self._mind_intent(self.discord)

    def _take_file(self, path: Path) -> None:
        try:
            text = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
        if not self._accepts(token_in(text)):
            raise UserError(f"{path} holds no token that Discord accepts")
        self._kept.change(Changes(token_file=str(path)))

    def _keeps_token(self) -> bool:
        token = self._kept.token()
        if not token:
            return False
        if not self._accepts(token):
            self._talk.no(f"that was the token in {self._kept.token_path}")
            return False
        if self._talk.agrees("Keep this token?"):
            return True
        self.discord = None
        return False

    def _ask_token(self) -> None:
        self._talk.say(
            "Developer portal (https://discord.com/developers/applications): your application, Bot, Reset Token."
        )
        for _ in range(TRIES):
            token = token_in(self._talk.secret("Token (it is not shown)"))
            if not token:
                return
            if self._accepts(token):
                self._kept.put_token(token)
                self._talk.yes(f"written to {self._kept.token_path}, which only you can read")
                return

    def _accepts(self, token: str) -> bool:
        """Whether Discord does, which is said."""
        discord = Discord(self._kept.known.api_base, token)
        try:
            self._application = discord.application()
            name = discord.bot().username
        except RefusedTokenError as error:
            hint = instead(token)
            self._talk.no(f"{error}{hint and f': {hint}'}")
            return False
        self._talk.yes(f"Discord knows it: the bot {one_line(name, 40)!r} of the application {self._application.id}")
        self.discord = discord
        return True

    def _mind_intent(self, discord: Discord) -> None:
        while not self._application.may_read:
            self._talk.no(f"{portal.INTENT}\n    {portal.page(self._application.id)}")
            if self._talk.is_quiet or not self._talk.agrees("Look again?"):
                return
            self._application = discord.application()
        self._talk.yes("Message Content Intent is on")

    # --- the server ------------------------------------------------------------------------------------

    def servers(self) -> None:
        if (discord := self.discord) is None:
            return
        self._talk.say(f"The link that brings the bot into a server:\n\n    {portal.invite(self._application.id)}\n")
        self._servers = discord.servers()
        if not self._servers:
            what = "the bot is in no server yet: open the link"
            self._servers = self._talk.waits(what, discord.servers, JOIN_WAIT_S) or []
        if not self._servers:
            self._talk.no("the bot is in no server; open the link, then run this again")
            return
        self._talk.yes(f"the bot is in {', '.join(one_line(server.name, 40) for server in self._servers)}")

    # --- channels --------------------------------------------------------------------------------------

    def channels(self) -> None:
        if self._given.channels:
            for channel_id, typed in self._given.channels:
                self._check_channel(channel_id)
                self._put_channel(channel_id, self._given_directory(typed))
        elif self.discord and self._servers:
            self._offer_channels(self.discord)
        if not self._kept.known.channels:
            self._talk.no("no channel yet: run this again, or give --channel ID=DIRECTORY")

    def _check_channel(self, channel_id: int) -> None:
        if self.discord is None:
            return
        found = self.discord.channel(channel_id)
        if found is None:
            raise UserError(f"--channel {channel_id}: the bot sees no such channel (Developer Mode, Copy Channel ID)")
        if why := unfit_in_words(found.place):
            raise UserError(f"--channel {channel_id} {why}")
        self._names[channel_id] = found.name or ""

    def _offer_channels(self, discord: Discord) -> None:
        offered = [offer for server in self._servers for offer in discord.offers(server)]
        self._names |= {offer.channel_id: offer.name for offer in offered}
        self._talk.say("Channels in which sessions can begin (text and announcement channels):")
        for line in listed(offered, self._kept.known.channels):
            self._talk.say(line)
        for offer in self._chosen(offered):
            if offer.missing:
                self._talk.no(f"#{offer.name}: give the bot {', '.join(offer.missing)} there, or open the link again")
            if path := self._directory(offer):
                self._put_channel(offer.channel_id, path)

    def _chosen(self, offered: list[Offer]) -> list[Offer]:
        for _ in range(TRIES):
            try:
                return chosen(self._talk.ask("Which (numbers or names)"), offered)
            except ChoiceError as error:
                self._talk.no(str(error))
        return []

    def _directory(self, offer: Offer) -> Path | None:
        before = self._kept.known.channels.get(offer.channel_id, f"~/{offer.name}")
        for _ in range(TRIES):
            path = directory.typed(
                self._talk.path(f"Directory in which #{offer.name} works", before), os.environ.get("HOME", "/")
            )
            if why := directory.refusal(path, self._ours()):
                self._talk.no(why)
            elif path.is_dir() or self._is_made(path):
                return path
        return None

    def _given_directory(self, typed: str) -> Path:
        path = directory.typed(typed, os.environ.get("HOME", "/"))
        if why := directory.refusal(path, self._ours()):
            raise UserError(why)
        if not (path.is_dir() or self._is_made(path)):
            raise UserError(f"{path} is not there")
        return path

    def _is_made(self, path: Path) -> bool:
        if not self._talk.agrees(f"{path} is not there. Make it?"):
            return False
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._talk.no(f"{path} cannot be made: {error.strerror}")
            return False
        return True

    def _ours(self) -> directory.Ours:
        installation = Path(bridge.__file__).resolve().parent.parent
        return directory.Ours(installation, self._state().resolve(), self._kept.token_path.parent.resolve())

    def _put_channel(self, channel_id: int, path: Path) -> None:
        self._kept.change(Changes(channels={channel_id: str(path)}))
        self._talk.yes(f"#{self._names.get(channel_id, channel_id)} works in {path}")

    # --- the end ---------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Raises UserError when what was written is not enough to begin with."""
        self._talk.say()
        if self.discord and not self._application.may_read:
            raise UserError(f"not yet complete: {portal.INTENT} Then run `threadbridge setup` again")
        try:
            config = configuration.load(self._kept.config)
            if not self._kept.has_credential:
                configuration.read_token(config)
            token_file.guard(config)
        except UserError as error:
            if self._kept.is_of_machine and ": claude.command: " in str(error):
                self._talk.no(
                    "Claude Code is still to be installed for the service's user; `install --system` says how"
                )
                return
            raise UserError(
                f"not yet complete: {error}. Run `threadbridge setup` again: it keeps what is done"
            ) from None
        self._talk.yes(f"{self._kept.config} is complete")
