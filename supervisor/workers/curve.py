"""The CURVE keys: the supervisor's own, and those that are made for each start of a worker."""

import logging
from pathlib import Path

import msgspec
import zmq

from bridge.protocol.layout import Layout
from supervisor.private_files import write_private
from supervisor.sessions.store import Store

log = logging.getLogger(__name__)


class CurveKeys(msgspec.Struct, frozen=True):
    """A CURVE keypair as Z85 text."""

    public: str
    secret: str


def new_keys() -> CurveKeys:
    public, secret = zmq.curve_keypair()
    return CurveKeys(public.decode(), secret.decode())


def server_keys(store: Store) -> CurveKeys:
    """The supervisor's own keys: kept, because workers outlive it and know its public key.

    They lie in a file beside the store, so that workers can come back when the store is lost. Without them nobody
    can: then new ones are made, and the workers that run are replaced (``supervisor.workers.processes``).
    Raises OSError.
    """
    path = Layout(store.path.parent).keys
    if keys := _read_keys(path):
        return keys
    keys = new_keys()
    write_private(path, msgspec.json.encode(keys), durable=True)
    return keys


def _read_keys(path: Path) -> CurveKeys | None:
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=CurveKeys)
        is_pair = zmq.curve_public(keys.secret.encode()).decode() == keys.public
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeError, ValueError, zmq.ZMQError) as error:
        log.warning("%s cannot be read (%s): new keys are made, and running workers replaced", path, error)
        return None
    return keys if is_pair else None
