"""What a tool of Claude's would replace in a file: the inputs of Edit, MultiEdit, Write and NotebookEdit, read."""

from collections.abc import Mapping

import msgspec

EDIT_TOOLS = frozenset(("Edit", "MultiEdit", "Write", "NotebookEdit"))


class Edit(msgspec.Struct, frozen=True):
    """One replacement of a text by another; with `everywhere`, at each place where the old one occurs."""

    old: str
    new: str
    everywhere: bool = False


def edits_of(tool_name: str, tool_input: Mapping[str, object]) -> list[Edit] | None:
    """The replacements that a tool use asks for, or None if it is no edit of a known form."""
    match tool_name, tool_input:
        case "Edit", {"old_string": str(), "new_string": str()}:
            return _edits([tool_input])
        case "MultiEdit", {"edits": list() as edits}:
            return _edits(edits)
        case "Write", {"content": str(content)}:
            return [Edit("", content)]
        case "NotebookEdit", {"new_source": str(source)} if tool_input.get("edit_mode") != "delete":
            return [Edit("", source)]
    return None


def _edits(inputs: list[object]) -> list[Edit] | None:
    found = []
    for given in inputs:
        match given:
            case {"old_string": str(old), "new_string": str(new), "replace_all": everywhere}:
                found.append(Edit(old, new, bool(everywhere)))
            case {"old_string": str(old), "new_string": str(new)}:
                found.append(Edit(old, new))
            case _:
                return None
    return found
