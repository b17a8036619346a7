"""What Claude asks of a person, without I/O: permissions, its own questions, its plans (docs/claude-protocol.md,
"Permission requests" and "Questions and plans").

A request is *asked* when its line is read, *named* when the log gave it a number, and open until it is decided or
withdrawn. The name is the only way to decide it, and the digest must be that of the input that was shown.
"""

from collections.abc import Collection

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.push import PUSH_TOOL
from bridge.protocol.questions import read_questions
from bridge.protocol.records import MOST_INPUT_BYTES, is_too_long_to_ask
from bridge.protocol.requests import ADVICE_TO_ASK_IN_TEXT, PLAN_MODES, PLAN_TOOL, QUESTION_TOOL, digest_of
from worker import control_frames as cf
from worker import frames as f
from worker import lines_out, mcp
from worker.steps import Control, Line, PushDecided, Step

TOO_LONG = (
    "This was not run: its input has {:,} bytes, and no more than "
    f"{MOST_INPUT_BYTES:,} can be shown to the person who decides. Do it in smaller parts: write a long file piece by"
    " piece, or let a command make it."
)


NOT_OURS = "No tool of Claude's has this name: it is the bridge's own."


class OpenRequest(msgspec.Struct, frozen=True):
    """A request that Claude waits on. ``raw_input`` is what an allow repeats; None: nothing, it runs as asked."""

    seq: int
    request: e.PermissionRequested
    raw_input: msgspec.Raw | None


class Asks:
    """The open requests of one child."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._asked: dict[str, tuple[e.PermissionRequested, msgspec.Raw | None]] = {}
        self._open: dict[int, OpenRequest] = {}
        self._plans_read: dict[str, str] = {}
        self._heard: set[str] = set()
        self._pushes: dict[str, mcp.CallId] = {}

    @property
    def count(self) -> int:
        """Of those that wait for a decision."""
        return len(self._asked)

    def open(self) -> list[OpenRequest]:
        return list(self._open.values())

    def asked(self, request_id: str, ask: cf.Ask) -> list[Step]:
        """A ``can_use_tool`` came in. What nobody could be shown is answered at once.

        A repetition is no other request: Claude takes the first answer to an id, and waits for no second.
        """
        if request_id in self._heard:
            return []
        self._heard.add(request_id)
        shown = bytes(ask.input).decode()
        match ask.tool_name:
            case "ExitPlanMode":
                return self._on_plan(request_id, ask, shown)
            case "AskUserQuestion" if read_questions(shown) is None:
                return [Line(lines_out.answer(request_id, {"behavior": "deny", "message": ADVICE_TO_ASK_IN_TEXT}))]
            case name if name == PUSH_TOOL:
                return [Line(lines_out.answer(request_id, {"behavior": "deny", "message": NOT_OURS}))]
            case _ if not shown:
                return [self._ask(request_id, ask, "{}", None)]
            case _:
                return [self._ask(request_id, ask, shown, ask.input)]

    def _ask(self, request_id: str, ask: cf.Ask, shown: str, raw_input: msgspec.Raw | None) -> Step:
        request = e.PermissionRequested(
            request_id=request_id,
            tool=ask.tool_name,
            tool_input=shown,
            digest=digest_of(shown),
            tool_use_id=ask.tool_use_id,
            description=ask.description,
            rules=_suggested_rules(ask.permission_suggestions),
            modes=_suggested_modes(ask.permission_suggestions),
            directories=_suggested_directories(ask.permission_suggestions),
            agent_id=ask.agent_id or "",
            server=ask.mcp_server.name if ask.mcp_server else "",
            reason=ask.decision_reason or "",
            blocked_path=ask.blocked_path or "",
        )
        if is_too_long_to_ask(request):
            return Line(
                lines_out.answer(request_id, {"behavior": "deny", "message": TOO_LONG.format(len(shown.encode()))})
            )
        # A copy: a Raw is a view of the whole line that it was read from.
        self._asked[request_id] = (request, raw_input.copy() if raw_input is not None else None)
        return request

    def claim_push(self, request_id: str, call_id: mcp.CallId) -> bool:
        """A push that is to be asked about is being prepared; one at a time, and never twice under one id."""
        if self._pushes or request_id in self._heard:
            return False
        self._heard.add(request_id)
        self._pushes[request_id] = call_id
        return True

    def ask_push(self, request: e.PermissionRequested) -> list[Step]:
        """Nothing when it was taken back, or its turn ended, while it was prepared."""
        if request.request_id not in self._pushes:
            return []
        self._asked[request.request_id] = (request, None)
        return [request]

    def give_up_push(self, request_id: str) -> None:
        self._pushes.pop(request_id, None)

    def _on_plan(self, request_id: str, ask: cf.Ask, shown: str) -> list[Step]:
        """The plan may stand in its file only, and the input be empty; ``get_plan`` reads it (docs/claude-protocol.md,
        "Questions and plans").
        """
        if f.part(ask.input, _PlanInput).plan:
            return [self._ask(request_id, ask, shown, None)]

        def answered(response: cf.ControlResponse) -> list[Step]:
            if self._plans_read.pop(request_id, None) is None:
                return []  # taken back, or its turn ended, while we read
            plan = f.part(response.response, cf.Plan).content or "(Claude wrote no plan.)"
            return [self._ask(request_id, ask, msgspec.json.encode({"plan": plan}).decode(), None)]

        self._plans_read[request_id] = ask.agent_id or ""
        return [self._control("get_plan", answered)]

    def named(self, request_id: str, seq: int) -> None:
        """The log gave this request its name. MUST follow the append of its PermissionRequested."""
        request, raw_input = self._asked[request_id]
        self._open[seq] = OpenRequest(seq, request, raw_input)

    def decide(self, decision: c.Decide) -> list[Step]:
        """DecisionRefused for a request that is not open, or when the digest is not the shown one's."""
        if not (asked := self._open.get(decision.seq)):
            return [e.DecisionRefused(decision.seq, "this request is not open (any more)", decision.decided_by)]
        if decision.digest != asked.request.digest:
            why = "the decision was made on another input than the one that Claude asks for"
            return [e.DecisionRefused(decision.seq, why, decision.decided_by)]
        del self._open[decision.seq]
        del self._asked[asked.request.request_id]
        resolved = _resolved(asked.request, decision)
        request_id = asked.request.request_id
        if (call_id := self._pushes.pop(request_id, None)) is not None:
            return [resolved, PushDecided(request_id, call_id, resolved.verdict, resolved.reason)]
        return [resolved, Line(lines_out.answer(request_id, _response(asked, resolved)))]

    def taken_back(self, request_id: str) -> list[Step]:
        """Claude cancelled its request."""
        self._plans_read.pop(request_id, None)
        self._pushes.pop(request_id, None)
        gone = [asked for asked in self._open.values() if asked.request.request_id == request_id]
        return [self._withdraw(asked, "Claude took it back") for asked in gone]

    def turn_ended(self) -> list[Step]:
        """Requests of the main agent end with its turn; a subagent's outlive it (docs/claude-protocol.md,
        "Permission requests").
        """
        self._plans_read = {plan: agent for plan, agent in self._plans_read.items() if agent}
        stale = [asked for asked in self._open.values() if not asked.request.agent_id]
        return [*(self._withdraw(asked, "the turn ended") for asked in stale), *self._end_pushes(stale)]

    def _end_pushes(self, stale: list[OpenRequest]) -> list[Step]:
        """Of a call nobody knows whether a subagent made it, which outlives the turn and waits: so it is answered."""
        ids = [asked.request.request_id for asked in stale if asked.request.request_id in self._pushes]
        told = [(i, mcp.told(self._pushes[i], f"{mcp.NOT_PUSHED}the turn ended.", is_error=True)) for i in ids]
        self._pushes.clear()
        return [Line(lines_out.mcp_answer(request_id, answer)) for request_id, answer in told]

    def agent_ended(self, agents: Collection[str]) -> list[Step]:
        """A subagent that is over waits for no answer."""
        self._plans_read = {plan: agent for plan, agent in self._plans_read.items() if agent not in agents}
        stale = [asked for asked in self._open.values() if asked.request.agent_id in agents]
        return [self._withdraw(asked, "the subagent ended") for asked in stale]

    def _withdraw(self, asked: OpenRequest, why: str) -> e.PermissionWithdrawn:
        del self._open[asked.seq]
        self._asked.pop(asked.request.request_id, None)
        return e.PermissionWithdrawn(asked.seq, why)


class _PlanInput(msgspec.Struct):
    plan: str = ""


def _suggested_rules(suggestions: list[cf.Suggestion]) -> tuple[e.SuggestedRule, ...]:
    """Suggestions are alternatives, and some of them switch the mode: only the first addRules is offered."""
    for suggestion in suggestions:
        named = all(rule.toolName for rule in suggestion.rules)
        if suggestion.type == "addRules" and suggestion.behavior == "allow" and named:
            return tuple(e.SuggestedRule(r.toolName, r.ruleContent or "") for r in suggestion.rules)
    return ()


def _suggested_modes(suggestions: list[cf.Suggestion]) -> tuple[str, ...]:
    modes = (suggestion.mode for suggestion in suggestions if suggestion.type == "setMode")
    return tuple(dict.fromkeys(mode for mode in modes if mode in PLAN_MODES))


def _suggested_directories(suggestions: list[cf.Suggestion]) -> tuple[str, ...]:
    """Claude is told of one by a setting that can be taken back, not with the answer."""
    suggested = [
        path for suggestion in suggestions if suggestion.type == "addDirectories" for path in suggestion.directories
    ]
    return tuple(dict.fromkeys(suggested))


def _resolved(request: e.PermissionRequested, decision: c.Decide) -> e.PermissionResolved:
    """The decision as far as it fits the request: rules and modes only where they were suggested, or for a plan."""
    is_allowed = decision.verdict == "allowed"
    always = decision.always and is_allowed and bool(request.rules)
    modes = PLAN_MODES if request.tool == PLAN_TOOL else () if always else request.modes
    return e.PermissionResolved(
        decision.seq,
        decision.verdict,
        always=always,
        decided_by=decision.decided_by,
        decider=decision.decider,
        reason=decision.reason,
        answers=decision.answers if is_allowed and request.tool == QUESTION_TOOL else {},
        mode=decision.mode if is_allowed and decision.mode in modes else "",
        also_by=decision.also_by if is_allowed else 0,
        kept=decision.kept if is_allowed else "",
    )


def _response(asked: OpenRequest, resolved: e.PermissionResolved) -> dict[str, object]:
    """The payload of an answer (docs/claude-protocol.md, "Permission requests"). An allow repeats the input that was
    shown, so that it runs.
    """
    if resolved.verdict != "allowed":
        return {"behavior": "deny", "message": resolved.reason or "The person denied this."}
    response: dict[str, object] = {"behavior": "allow"}
    if asked.raw_input is not None:
        response["updatedInput"] = _with_answers(asked.raw_input, resolved.answers)
    if resolved.always and not resolved.kept:
        response["updatedPermissions"] = [_add_rules(asked.request.rules)]
    elif resolved.mode:
        response["updatedPermissions"] = [{"type": "setMode", "mode": resolved.mode, "destination": "session"}]
    return response


def _with_answers(raw_input: msgspec.Raw, answers: dict[str, str]) -> object:
    """The input, byte by byte, plus the answers by the questions' exact texts."""
    if not answers:
        return raw_input
    return {**msgspec.json.decode(raw_input, type=dict[str, msgspec.Raw]), "answers": answers}


def _add_rules(rules: tuple[e.SuggestedRule, ...]) -> dict[str, object]:
    named = [{"toolName": r.tool, **({"ruleContent": r.content} if r.content else {})} for r in rules]
    return {"type": "addRules", "rules": named, "behavior": "allow", "destination": "session"}
