"""What is found in a project's files, as lines for a person: what would act, and what is left out."""

import msgspec


class Told(msgspec.Struct):
    """Filled while a project's files are read through. Each entry is one line, whole."""

    acts: list[str] = []
    left_out: list[str] = []

    def act(self, what: str) -> None:
        self.acts.append(one_line_whole(what))

    def leave_out(self, what: str) -> None:
        self.left_out.append(one_line_whole(what))


def one_line_whole(text: str) -> str:
    """All of it on one line, each line break as a sign: no text of a project's begins a line of ours."""
    return " ⏎ ".join(text.splitlines())
