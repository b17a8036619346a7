"""The first step of set-up: is there a Claude Code that we can work with, and can it be shut in?"""

import os
from pathlib import Path

from bridge.protocol.layout import Layout
from supervisor.config.document import Changes
from supervisor.operator.setup import claude
from supervisor.operator.setup.claude import Claude
from supervisor.operator.setup.kept import Kept
from supervisor.operator.setup.terminal import Terminal
from supervisor.workers import walls


def mind(kept: Kept, terminal: Terminal, state: Path) -> None:
    """Says what there is and what to do; offers Claude's own login. ``state``: the state directory, also to come."""
    configured = kept.known.command
    found = claude.look(configured)
    if found.command and not found.is_logged_in and not terminal.is_quiet:
        found = _logged_in(found, terminal)
    terminal.tell(found.trouble, f"Claude Code {found.version} ({' '.join(found.command)})")
    if found.command:
        todo = f"nobody is logged in; as the user that runs the bridge: {found.command[0]} auth login"
        terminal.tell("" if found.is_logged_in else todo, "somebody is logged in to it")
    if not kept.is_of_machine and not configured and claude.is_off_path(found.command, os.environ):
        kept.change(Changes(command=found.command))  # by its name alone no service would find it
    terminal.tell(walls.refusal(Layout(state)), "bubblewrap shuts it in")


def _logged_in(found: Claude, terminal: Terminal) -> Claude:
    terminal.no("nobody is logged in to Claude Code as this user")
    if not terminal.agrees("Run its login now?"):
        return found
    claude.log_in(found.command)
    return claude.look(found.command)
