"""Where things live under the state directory.

    version                   of this layout
    threadbridge.db           the supervisor's store; threadbridge.db.v1 … as it was before a migration
    journal.jsonl             what people did, for an audit and a lost store; beside the store, which knows its head
    supervisor.keys           its CURVE keys, which workers that outlive it know
    supervisor.lock           held by the one supervisor of this directory
    health.json               what the running supervisor says of itself
    letters/<number>.new      what an operator's command asks of the running supervisor (``supervisor.letters``)
    bell                      touched by ``threadbridge kill``: the supervisor looks at all sessions
    sockets/<id>-<start>.sock one endpoint for each start of a worker
    sessions/<id>/log.jsonl   the event log, the truth of the session
    sessions/<id>/acked       how far a supervisor ever acknowledged the log, and which log's that is
    sessions/<id>/lock        held by the session's one worker, who writes there which start it is
    sessions/<id>/start-…     the key of each start that was not seen to end
    sessions/<id>/worker.stderr  what its last worker said there
    sessions/<id>/stopped     an operator said that this session shall not run
    sessions/<id>/files/<prompt>/…  what people attached to that prompt; the child may read it, and nothing else here
    sessions/<id>/scratch/    the child may write here what it wants to send
    sessions/<id>/sent/…      copies of what Claude sent to the person
    sessions/<id>/push/       a copy of the branch whose push somebody is asked about
    sessions/<id>/inside/…    what is /tmp, $HOME and so on for the child
    restored                  it came from a backup that no supervisor ran on yet (``supervisor.sessions.held_back``)
    pruned/<name>/            what of ended sessions is being removed (``supervisor.sessions.pruning``)
    login/                    Claude's access token, for children that are shut in
    renewal/                  the CLI's other files while it renews the login; emptied before each time
    caches/<channel>/…        what pip, npm and others keep for the channel's children
    trusted/<channel>/<digest>/…    the copy of a project's files that a person trusts; it acts, and nobody changes it

``<id>`` is the first 12 hex digits of the session id. A unix socket's path has at most 107 bytes.
"""

from pathlib import Path

import msgspec

from bridge.protocol.errors import UserError

SOCKET_PATH_BYTES = 107
MOST_LINKS = 40
"""On the way to one path, as the kernel follows (path_resolution(7))."""
START_NAME_BYTES = 16
"""The lock file begins with the name of the start that holds it: 8 hex digits, and never more than this."""
JOURNAL = "journal.jsonl"
_LONGEST_SOCKET_NAME = "sockets/0123456789ab-01234567.sock"


def short_id(session_id: str) -> str:
    return session_id.replace("-", "")[:12]


class Layout(msgspec.Struct, frozen=True):
    """The paths of one state directory."""

    state: Path

    @property
    def version(self) -> Path:
        return self.state / "version"

    @property
    def database(self) -> Path:
        return self.state / "threadbridge.db"

    @property
    def keys(self) -> Path:
        return self.state / "supervisor.keys"

    @property
    def journal(self) -> Path:
        """Beside the database, which knows its head."""
        return self.state / JOURNAL

    @property
    def supervisor_lock(self) -> Path:
        return self.state / "supervisor.lock"

    @property
    def health(self) -> Path:
        return self.state / "health.json"

    @property
    def bell(self) -> Path:
        return self.state / "bell"

    @property
    def letters(self) -> Path:
        return self.state / "letters"

    @property
    def sessions(self) -> Path:
        return self.state / "sessions"

    @property
    def restored(self) -> Path:
        return self.state / "restored"

    @property
    def pruned(self) -> Path:
        return self.state / "pruned"

    @property
    def sockets(self) -> Path:
        return self.state / "sockets"

    @property
    def trusted(self) -> Path:
        return self.state / "trusted"

    @property
    def login(self) -> Path:
        return self.state / "login"

    @property
    def renewal(self) -> Path:
        return self.state / "renewal"

    def caches(self, channel_id: int) -> Path:
        return self.state / "caches" / str(channel_id)

    def session(self, session_id: str) -> "SessionLayout":
        return SessionLayout(self.sessions / short_id(session_id))

    def socket(self, session_id: str, start: str) -> Path:
        """``start`` tells one start of a worker from the next: 8 hex digits."""
        return self.sockets / f"{short_id(session_id)}-{start}.sock"

    def check_socket_paths(self) -> None:
        """Raises UserError when the state directory's path leaves no room for a socket's name."""
        length = len(str(self.state / _LONGEST_SOCKET_NAME).encode())
        if length > SOCKET_PATH_BYTES:
            raise UserError(
                f"the path is too long for unix sockets: {self.state} would make them"
                f" {length} bytes, and the system allows {SOCKET_PATH_BYTES}; choose a path that is"
                f" {length - SOCKET_PATH_BYTES} bytes shorter"
            )


class SessionLayout(msgspec.Struct, frozen=True):
    """The paths of one session."""

    folder: Path

    @property
    def log(self) -> Path:
        return self.folder / "log.jsonl"

    @property
    def acked(self) -> Path:
        return self.folder / "acked"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    def start(self, start: str) -> Path:
        return self.folder / f"start-{start}"

    @property
    def stderr(self) -> Path:
        return self.folder / "worker.stderr"

    @property
    def stop_mark(self) -> Path:
        return self.folder / "stopped"

    @property
    def files(self) -> Path:
        return self.folder / "files"

    def files_of(self, prompt_id: int) -> Path:
        return self.files / str(prompt_id)

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @property
    def sent(self) -> Path:
        return self.folder / "sent"

    @property
    def push(self) -> Path:
        return self.folder / "push"

    @property
    def inside(self) -> Path:
        return self.folder / "inside"
