"""What comes after set-up: the bridge as a service, if the person wants it, or how it is started by hand."""

import os
from pathlib import Path

from supervisor.config import document
from supervisor.operator.installation import command as installation
from supervisor.operator.installation import facts
from supervisor.operator.installation.unit import Kind
from supervisor.operator.setup import answer
from supervisor.operator.setup.asked_discord import Discord
from supervisor.operator.setup.terminal import Terminal

CONNECTED = "connected to Discord"
"""How the supervisor's status begins then (``supervisor.discord.gateway``)."""
CONNECT_S = 60.0


class Service:
    """For the configuration that was written."""

    def __init__(self, config: Path, terminal: Terminal, *, is_offered: bool = True) -> None:
        self._config = config
        self._is_offered = is_offered
        self._terminal = terminal

    def offer(self, discord: Discord | None) -> None:
        """Nothing is installed without a word: with ``--yes`` alone it is told how. Raises UserError."""
        if not self._is_offered or self._terminal.is_quiet or not facts.systemd_version():
            self._tell_how()
        elif self._terminal.agrees("\nMake it a service, which runs from the machine's start on?"):
            kind = self._install()
            channels = document.known(self._config.read_text("utf-8-sig")).channels
            if discord and channels and self._is_connected(kind):
                answer.see(discord, next(reversed(channels)), self._terminal)
        else:
            self._tell_how()

    def _install(self) -> Kind:
        kind: Kind = "system" if os.geteuid() == 0 else "user"
        installation.install_service(facts.gather(kind, self._config, installation.USER), is_quiet=False)
        return kind

    def _is_connected(self, kind: Kind) -> bool:
        """What is written before, the very first time, nobody hears."""

        def look() -> bool:
            return facts.status(kind).startswith(CONNECTED)

        if self._terminal.waits("the service connects to Discord", look, CONNECT_S):
            return True
        self._terminal.no(f"it does not: {facts.status(kind) or 'it says nothing'}; `threadbridge check` may tell why")
        return False

    def _tell_how(self) -> None:
        command = " ".join(facts.our_command())
        self._terminal.say(f"\nStart it:             {command} run --config {self._config}")
        self._terminal.say(f"Or make it a service: {command} install --config {self._config}")
        self._terminal.say("Then write in the channel: a thread opens, and Claude answers in it.")
