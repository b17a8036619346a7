"""What a shell offers where a session is to be named (`eval "$(_THREADBRIDGE_COMPLETE=bash_source threadbridge)"`)."""

from contextlib import closing
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from bridge.protocol.errors import LocalError, UserError
from bridge.protocol.layout import Layout
from bridge.text import one_line, reveal
from supervisor import config as configuration
from supervisor import places
from supervisor.operator.context import Asked

MOST = 50


def complete_place(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Sessions as below, and before them the configured channels, with their directories."""
    asked = context.find_object(Asked)
    try:
        loaded = configuration.load(configuration.find(asked.config if asked else None))
    except UserError:
        return complete_target(context, parameter, typed)
    found = [
        CompletionItem(str(channel_id), help=reveal(one_line(channel.directory, 60)))
        for channel_id, channel in loaded.channels.items()
        if str(channel_id).startswith(typed)
    ]
    return [*found, *complete_target(context, parameter, typed)]


def complete_target(context: click.Context, _parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Ids that begin so, with the thread's name; nothing, when the state cannot be read."""
    from supervisor.sessions.store import Store  # noqa: PLC0415

    asked = context.find_object(Asked)
    named = asked.state if asked and asked.state else ""
    layout = Layout(Path(named).expanduser() if named else places.choose(places.candidates()))
    try:
        with closing(Store(layout.database, read_only=True)) as store:
            ids = [session_id for session_id in store.session_ids() if session_id.startswith(typed)]
            posts = {session_id: store.post(session_id, "thread") for session_id in ids[-MOST:]}
    except (UserError, LocalError, OSError):
        return []
    return [
        CompletionItem(session_id, help=reveal(one_line(post.desired.thread_name, 60)) if post else None)
        for session_id, post in posts.items()
    ]
