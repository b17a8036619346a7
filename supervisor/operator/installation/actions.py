"""What an installation does to a machine: values, said to a person before anything is done."""

import shlex

import msgspec


class Write(msgspec.Struct, frozen=True):
    """A whole file; its directory is made. ``mode``: of the file."""

    path: str
    text: str
    mode: int = 0o644

    @property
    def words(self) -> str:
        return f"write {self.path}"


class Remove(msgspec.Struct, frozen=True):
    """A file; that it is gone already is no error."""

    path: str

    @property
    def words(self) -> str:
        return f"remove {self.path}"


class Run(msgspec.Struct, frozen=True):
    """A program. ``why`` is for the person. One that ``may_fail`` stops nothing; ``otherwise`` says what to do then."""

    argv: tuple[str, ...]
    why: str = ""
    may_fail: bool = False
    otherwise: str = ""

    @property
    def words(self) -> str:
        return f"run {shlex.join(self.argv)}{self.why and f'   ({self.why})'}"


class Say(msgspec.Struct, frozen=True):
    """What the person is to know or to do; nothing is done."""

    words: str


type Action = Write | Remove | Run | Say
