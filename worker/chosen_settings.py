"""What a person chooses for a running child: model, effort, permission mode; and the mode that it is in. No I/O.

A mode that is looser than what was set or chosen ends the child (``bridge.protocol.modes``): Claude would act without
asking.
"""

from bridge.protocol import commands as c
from bridge.protocol import directories
from bridge.protocol import events as e
from bridge.protocol.modes import ModeLimit, known_as
from bridge.text import one_line
from worker import control_frames as cf
from worker.steps import Control, EndChild, Step


class ChosenSettings:
    """``permission_mode``: in which the child was started. ``under_way``: commands without an answer, by their ids."""

    def __init__(self, control: Control, permission_mode: str) -> None:
        self._control = control
        self._limit = ModeLimit.begun_in(permission_mode)
        self._mode = ""
        self.under_way: set[str] = set()

    def configure(self, command: c.Configure, untold: frozenset[str] = frozenset()) -> list[Step]:
        """The ConfigureAccepted follows Claude's answer. ``untold``: directories that Claude is not told of."""

        def answered(response: cf.ControlResponse) -> list[Step]:
            self.under_way.discard(command.command_id)
            if command.setting == "permission_mode":
                self._limit.answered(command.command_id, done=not response.error)
            return [e.ConfigureAccepted(command.command_id, command.setting, command.value, response.error)]

        match command.setting:
            case "permission_mode":
                self._limit.ask(command.command_id, command.value)
                asked = self._control("set_permission_mode", answered, mode=known_as(command.value))
            case "model":
                asked = self._control("set_model", answered, model=command.value or None)
            case "effort":
                asked = self._control("apply_flag_settings", answered, settings={"effortLevel": command.value or None})
            case directories.SETTING:
                told = [path for path in directories.read(command.value) if path not in untold]
                settings = {"permissions": {"additionalDirectories": told}}
                asked = self._control("apply_flag_settings", answered, settings=settings)
            case _:
                error = f"there is no setting named {command.setting}"
                return [e.ConfigureAccepted(command.command_id, command.setting, command.value, error)]
        self.under_way.add(command.command_id)
        return [asked]

    def approve(self, mode: str) -> None:
        """A person approved a plan, or something else with this mode."""
        self._limit.approve_plan(mode)

    def told_mode(self, told: str) -> list[Step]:
        """Claude says in which mode it is; empty: it does not."""
        mode = known_as(told)
        if not told or (mode == self._mode and self._limit.admits(mode)):
            return []
        if not self._limit.admits(mode):
            return [EndChild(_too_loose(mode, self._limit.chosen))]
        self._mode = mode
        return [e.ModeChanged(mode, admitted=True)]


def _too_loose(mode: str, chosen: str) -> str:
    return (
        f"Claude went into the permission mode {one_line(mode, 40)}, in which it asks less than in {chosen}, and nobody"
        " chose that; so it was stopped"
    )
