"""The two files that set-up writes: the configuration and the token, each whole or not at all."""

import os
import stat
from pathlib import Path

from bridge.protocol.errors import UserError
from supervisor.config import document
from supervisor.config.document import Changes, Known
from supervisor.operator.installation.unit import ENCRYPTED, OF_SYSTEM, PLAIN
from supervisor.operator.setup.pasted import token_in
from supervisor.private_files import write_private

OF_OUR_OWN = "threadbridge"
"""A directory of this name holds nothing but our files, so a token in it can be hidden from Claude with all of it."""


class Kept:
    """``config``: the path as it was named. Raises UserError for a file that cannot be read or written."""

    def __init__(self, config: Path) -> None:
        self.config = config
        self._text = self._read(config)
        self.known: Known = document.known(self._text, config)

    @property
    def is_new(self) -> bool:
        return not self._text

    @property
    def is_of_machine(self) -> bool:
        """It is for the machine's service, which has a user, and so a Claude, of its own."""
        return self.config.absolute().is_relative_to(OF_SYSTEM)

    @property
    def has_credential(self) -> bool:
        """The token is systemd's already, and only the service gets it."""
        return self.is_of_machine and not self.known.token_file and (ENCRYPTED.exists() or PLAIN.exists())

    @property
    def token_path(self) -> Path:
        """Where the token is, or would be put."""
        if self.known.token_file:
            return Path(self.known.token_file).expanduser().absolute()
        beside = self.config.absolute().parent
        return (beside if beside.name == OF_OUR_OWN else beside / OF_OUR_OWN) / "token"

    def token(self) -> str:
        """The one that is there; empty when there is none."""
        return token_in(self._read(self.token_path)) if self.known.token_file else ""

    def put_token(self, token: str) -> None:
        """In a file that only we can read, and named by the configuration."""
        path = self.token_path
        self._write(path, token + "\n", 0o600)
        self.change(Changes(token_file=str(path)))

    def change(self, changes: Changes) -> None:
        text = document.changed(self._text, changes, self.config)
        if text != self._text:
            self._write(self.config, text, self._mode())
            self._text, self.known = text, document.known(text, self.config)

    def _mode(self) -> int:
        """Of a configuration that is there; of a new one, what the umask leaves: there is no secret in it."""
        try:
            return stat.S_IMODE(self.config.stat().st_mode)
        except OSError:
            umask = os.umask(0o077)
            os.umask(umask)
            return 0o644 & ~umask

    def _read(self, path: Path) -> str:
        try:
            return path.read_text("utf-8-sig")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise UserError(f"{path} cannot be read: {why}") from None

    def _write(self, path: Path, text: str, mode: int) -> None:
        """Where a link leads, so that the link stays."""
        real = path.resolve()
        try:
            _make_private(real.parent)
            write_private(real, text.encode(), durable=True)
            real.chmod(mode)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}") from None


def _make_private(folder: Path) -> None:
    """Those above as others have them, our own for us alone."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
