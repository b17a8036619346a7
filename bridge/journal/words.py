"""An entry in one line, for whoever reads an audit."""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from bridge.journal import entries as j
from bridge.text import one_line, reveal

SHORT_DIGEST = 12
WORDS_CHARS = 200
_SAID: Mapping[type[j.Entry], str] = MappingProxyType(
    {
        j.SessionBegun: "session begun in {directory}",
        j.SessionEnded: "session ended: {reason}",
        j.SessionPruned: "log and files removed",
        j.SessionReopened: "session goes on",
        j.ConversationBegunAnew: "Claude's conversation begins anew",
        j.LostTurnSettled: "lost turn: {verdict}",
        j.ResetChosen: "goes on by itself after turn’s end {seq}: {wanted}",
        j.AskedAgain: "asked again for request {seq}",
        j.DirectoryAccepted: "another directory accepted, inode {inode}",
        j.AnswersDrafted: "an answer was chosen, to question {seq}",
        j.AllowedFirst: "allowed request {seq} as the first of two",
        j.PeopleInvited: "invited since: {users}",
        j.DefaultChosen: "channel's {setting}: {value}",
        j.SettingChosen: "session's {setting}: {value}",
        j.NotCarriedOut: "not carried out: {what}",
        j.FactRemembered: "{what}",
        j.ProjectAdded: "the channel's project since: {directory}",
        j.ProjectRemoved: "the channel has no project since",
        j.AskedOnHost: "{who} asked on the host: {what}{more}",
        j.PromptGiven: "prompt {prompt_id} given to Claude, text {digest}",
        j.PermissionAsked: "asked for {tool} (request {seq}), input {digest}",
        j.PermissionDecided: "{verdict} {tool} (request {request}), input {digest}{more}",
        j.ToolBegan: "{tool} began ({tool_use_id}), input {digest}",
        j.ToolEnded: "tool {outcome} ({tool_use_id}){more}",
        j.TurnOver: "turn {outcome}",
        j.ModeSet: "permission mode {mode}",
        j.ChildUncontained: "Claude runs uncontained: {how}",
        j.JournalBroken: "BROKEN: {what}",
    }
)


def in_words(entry: j.Entry) -> str:
    """Without what could steer a terminal. An empty value is said as one."""
    fields = {name: _short(name, value) for name, value in msgspec.structs.asdict(entry).items()}
    text = _SAID[type(entry)].format(**fields, more=_more(entry))
    return reveal(one_line(text, WORDS_CHARS))


def _short(name: str, value: object) -> str:
    text = str(value)
    return text[:SHORT_DIGEST] if name == "digest" else text or "(none)"


def _more(entry: j.Entry) -> str:
    match entry:
        case j.PermissionDecided(always=True):
            return ", always"
        case j.PermissionDecided(mode=mode) if mode:
            return f", mode {mode}"
        case j.AskedOnHost(digest=digest) if digest:
            return f", text {digest[:SHORT_DIGEST]}"
        case j.ToolEnded(unasked=rule) if rule:
            return f", not asked: {rule}"
        case _:
            return ""
