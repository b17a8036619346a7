"""Claude's permission modes in their order of strictness, and how loose a session may be.

    plan < dontAsk < default (also called manual) < acceptEdits < auto < bypassPermissions < anything unknown

A mode is *admitted* when it is no looser than the last one that was set or that a person chose. Claude may make itself
stricter (it enters plan mode), and go back; a looser one that nobody chose is a reason to end it.

A choice is admitted from the moment it is sent, because Claude may tell of it before it answers; a stricter choice
shuts the looser mode out only once Claude has answered, because what it said before that was true then.
"""

import msgspec

DEFAULT, PLAN, ACCEPT_EDITS, BYPASS = "default", "plan", "acceptEdits", "bypassPermissions"
_RANKS = {PLAN: 0, "dontAsk": 1, DEFAULT: 2, ACCEPT_EDITS: 3, "auto": 4, BYPASS: 5}
_UNKNOWN = max(_RANKS.values()) + 1


def known_as(mode: str) -> str:
    """The mode's name on the wire. ``manual`` is the CLI's other word for ``default``, which older ones refuse."""
    return DEFAULT if mode in ("", "manual") else mode


def is_looser(mode: str, other: str) -> bool:
    """Whether Claude asks less in ``mode`` than in ``other``. A mode that we do not know is looser than any."""
    return _rank(mode) > _rank(other)


def looser_of(mode: str, other: str) -> str:
    return known_as(mode if is_looser(mode, other) else other)


def after_plan(chosen: str) -> str:
    """The mode that an approved plan goes on in, when it was made in ``chosen``."""
    return DEFAULT if known_as(chosen) == PLAN else known_as(chosen)


def _rank(mode: str) -> int:
    return _RANKS.get(known_as(mode), _UNKNOWN)


class ModeLimit(msgspec.Struct):
    """How loose one child may be. ``chosen`` is the last mode that was set or chosen, ``before_plan`` the last of those
    that was no plan mode; ``asked`` are the choices that Claude has not answered yet, by name.
    """

    chosen: str = DEFAULT
    before_plan: str = DEFAULT
    asked: dict[str, str] = {}

    @classmethod
    def begun_in(cls, mode: str) -> "ModeLimit":
        return cls(known_as(mode), after_plan(mode))

    def admits(self, mode: str) -> bool:
        return not all(is_looser(mode, one) for one in (self.chosen, *self.asked.values()))

    def ask(self, name: str, mode: str) -> None:
        """Claude is asked to go into this mode, because a person chose it."""
        self.asked[name] = known_as(mode)

    def answered(self, name: str, *, done: bool) -> None:
        mode = self.asked.pop(name, "")
        if mode and done:
            self._choose(mode)

    def approve_plan(self, mode: str) -> None:
        """A person approved a plan, with ``mode``; without one Claude goes back to where it was before the plan."""
        self._choose(looser_of(self.chosen, mode or self.before_plan))

    def _choose(self, mode: str) -> None:
        self.chosen = mode
        self.before_plan = self.before_plan if mode == PLAN else mode
