"""Who may connect as a session's worker: three things at once, asked at the handshake.

The start's public key (CURVE), the session's own ZAP domain, and a peer whose pid, attested by the kernel, holds the
session's lock. Every later frame carries the session's id as its authenticated User-Id.
"""

from supervisor.workers.sockets import Knock

MECHANISM = "CURVE"


def objection(knock: Knock, start_key: str, holder: int, uid: int) -> str:
    """Why this peer may not connect; empty when it may.

    ``start_key``: of the start that is expected, empty for none; ``holder``: the pid that has the lock; ``uid``: ours.
    """
    if not start_key:
        return "there is no worker of this session"
    if knock.mechanism != MECHANISM or knock.key != start_key:
        return "the key is not this start's"
    pid, peer_uid = peer_of(knock.address)
    if peer_uid != uid:
        return f"the peer's uid is {peer_uid}"
    if not pid or pid != holder:
        return f"the peer (pid {pid}) is not the holder of the session's lock (pid {holder})"
    return ""


def peer_of(address: str) -> tuple[int, int]:
    """(pid, uid) of ``localhost:uid:gid:pid``, as libzmq tells an ipc peer's; (0, -1) for anything else."""
    parts = address.split(":")
    if len(parts) != 4 or not all(part.isdigit() for part in parts[1:]):
        return 0, -1
    return int(parts[3]), int(parts[1])
