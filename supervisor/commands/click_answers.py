"""What each click on a button, in a menu or in a modal leads to, and what the person who clicked gets for it.

A card is never changed here; it changes by the event that the click leads to.
"""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from bridge.discord_numbers import AnswerType
from bridge.protocol.commands import Decide
from bridge.protocol.errors import UserError
from bridge.protocol.events import Verdict
from bridge.protocol.modes import DEFAULT
from bridge.render import cards, changed, loosened, questions, replies, rules
from bridge.render.posts import Post, payload
from bridge.routing.actions import (
    Action,
    AllowFirst,
    AskAgain,
    AskAnswers,
    AskOneByOne,
    AskPlanChange,
    AskReason,
    AskTerm,
    DecideRequest,
    DecideTogether,
    DraftAnswers,
    GoOnHere,
    Ignore,
    JudgeProject,
    JudgeTyped,
    MakeStrict,
    Refuse,
    RevokeRule,
    SettleLostTurn,
    ShowChanges,
    ShowInput,
    StartFresh,
    WantReset,
)
from bridge.routing.router import BridgeRouter
from bridge.session.permission import PermissionRequest, RequestName
from supervisor.commands.answer import Answer, answer_in_words, answer_later, answer_with, below
from supervisor.commands.pressed import clicked
from supervisor.discord.shapes import Interaction
from supervisor.sessions.in_log import InLog
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.trust import Trusts

LIMIT_IS_OVER = "This is over: Claude went on, or somebody else pressed first."
LOST_IS_SETTLED = "This was settled already: somebody clicked, or the conversation went on."
OTHERS_WERE_FASTER = "Somebody else pressed a button of this card just before you. Look at it again."
NOT_IN_LOG = "What it asked is not in the session's log (any more)."
TURN_NOT_IN_LOG = "This turn is not in the session's log (any more)."
TOO_LATE_TYPED = "Too late: it was taken as what the line below it says."
WAS_DECIDED = "This request was already decided."
UNKNOWN_BUTTON = "This button is not known (any more), so it does nothing."


class ClickAnswers:
    """``trusted_again``: the list of what is trusted, in which a button was pressed, as it is now."""

    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        trusts: Trusts,
        in_log: InLog,
        trusted_again: Callable[[Interaction], Awaitable[Post]],
    ) -> None:
        self._manager = manager
        self._router = router
        self._trusts = trusts
        self._in_log = in_log
        self._trusted_again = trusted_again

    def answer(self, asked: Interaction) -> Answer:
        """Carry out what the router says. Raises UserError for the person who clicked."""
        self._manager.delivery.note(asked.guild_id, asked.person.user_id, asked.person.role_ids)
        match self._router.handle_click(clicked(asked)):
            case DecideRequest() | DecideTogether() as action:
                return self._decided(action) if isinstance(action, DecideRequest) else self._decided_together(action)
            case AllowFirst() | DraftAnswers() as action:
                return self._noted(action, asked.person.user_id)
            case AskAnswers() | AskPlanChange() | AskReason() as action:
                return Answer(AnswerType.MODAL, _modal(action))
            case SettleLostTurn() | AskAgain() as action:
                return self._mended(action, asked.id)
            case ShowInput(name):
                return answer_later(lambda: self._input(name))
            case ShowChanges(turn, whole_session):
                return answer_later(lambda: self._changes(turn, whole_session=whole_session))
            case StartFresh(session_id):
                self._manager.start_fresh(session_id, asked.person.user_id)
                return Answer(AnswerType.DEFERRED_UPDATE)
            case GoOnHere(session_id, person):
                is_first = self._manager.go_on_here(session_id, person)
                return Answer(AnswerType.DEFERRED_UPDATE) if is_first else answer_in_words(LOST_IS_SETTLED)
            case JudgeProject() as judgement:
                in_place = asked.is_for_one and judgement.verb == "revoke"
                return self._judged_in(asked, judgement) if in_place else answer_later(lambda: self._judged(judgement))
            case action:
                return self._of_rules(action)

    def _of_rules(self, action: Action) -> Answer:
        match action:
            case WantReset(session_id, wanted, person):
                is_first = self._manager.want_reset(session_id, wanted=wanted, person=person)
                return Answer(AnswerType.DEFERRED_UPDATE) if is_first else answer_in_words(LIMIT_IS_OVER)
            case AskTerm(request):
                return answer_with(rules.choice(request))
            case AskOneByOne(request):
                return self._shown_alone(request)
            case MakeStrict(session_id, person):
                return self._made_strict(session_id, person.user_id)
            case JudgeTyped() as judgement:
                return self._typed(judgement)
            case RevokeRule() as given:
                rule = self._manager.revoke_rule(given.rule_id, given.channel_id, given.session_id, given.person)
                gone = "This rule does not hold here (any more)."
                return answer_in_words("Revoked: it is asked about again." if rule else gone)
            case Refuse(text):
                return answer_in_words(text)
            case Ignore():
                return answer_in_words(UNKNOWN_BUTTON)
            case action:
                raise AssertionError(f"a click cannot lead to {action}")

    async def _input(self, name: RequestName) -> dict[str, Any]:
        request = await self._in_log.request(name)
        session = self._manager.get_session(name.session_id)
        if request is None or session is None:
            raise UserError(NOT_IN_LOG)
        return payload(cards.input_card(request, session.directory), editing=True)

    async def _changes(self, turn: RequestName, *, whole_session: bool) -> Post:
        found = await self._in_log.changes(turn, whole_session=whole_session)
        session = self._manager.get_session(turn.session_id)
        if found is None or session is None:
            raise UserError(TURN_NOT_IN_LOG)
        return changed.answer(found, turn, session.directory, whole_session=whole_session)

    def _judged_in(self, asked: Interaction, action: JudgeProject) -> Answer:
        """In the list in which it was pressed."""

        async def judged() -> Post:
            words = await self._trusts.judge(action.channel_id, action.verb, action.digest, action.person)
            return below(words, await self._trusted_again(asked))

        return Answer(AnswerType.DEFERRED_UPDATE, None, judged)

    async def _judged(self, action: JudgeProject) -> dict[str, Any]:
        words = await self._trusts.judge(action.channel_id, action.verb, action.digest, action.person)
        return payload(Post(words), editing=True)

    def _noted(self, action: AllowFirst | DraftAnswers, by: int) -> Answer:
        """On the card, and not decided yet."""
        if isinstance(action, AllowFirst):
            is_kept = self._manager.allow_first(action.request, action.first)
            return Answer(AnswerType.DEFERRED_UPDATE) if is_kept else answer_in_words(OTHERS_WERE_FASTER)
        is_kept = self._manager.draft(action.request.name, action.draft, by)
        return Answer(AnswerType.DEFERRED_UPDATE) if is_kept else answer_in_words(WAS_DECIDED)

    def _decided(self, action: DecideRequest) -> Answer:
        """First one wins; the card changes when Claude's worker says what became of it."""
        session = self._manager.get_session(action.request.name.session_id)
        loosens = session is not None and self._router.loosens(session, session.channel_id, action.mode)
        if action.always and action.request.event.rules:
            is_first = self._manager.allow_for(action.request, action.person, action.term)
            return Answer(AnswerType.DEFERRED_UPDATE) if is_first else answer_in_words(WAS_DECIDED)
        alike = [(one, _decision(action, one)) for one in (action.request, *action.equals)]
        if action.opens:
            is_first = self._manager.allow_in(alike, action.person, action.term)
        else:
            is_first = self._manager.settle_all(alike) > 0
        if is_first and loosens and session:
            post = loosened.in_thread(action.mode, action.person.user_id, session.thread_id)
            self._manager.show(session.session_id, f"{loosened.KEY}:{action.request.name.custom_id('edits')}", post)
        return Answer(AnswerType.DEFERRED_UPDATE) if is_first else answer_in_words(WAS_DECIDED)

    def _decided_together(self, action: DecideTogether) -> Answer:
        decisions = [(one.request, _decision(one, one.request)) for one in action.decisions]
        first, wanted = self._manager.settle_all(decisions), len(action.decisions) + len(action.others)
        others = [*action.others, *[WAS_DECIDED] * (len(decisions) - first)]
        if not others:
            return Answer(AnswerType.DEFERRED_UPDATE)
        done = "Allowed" if action.decisions[0].allowed else "Denied"
        return answer_in_words(
            "\n".join([f"{done}: {first} of the {wanted} that were listed.", *dict.fromkeys(others)])
        )

    def _made_strict(self, session_id: str, by: int) -> Answer:
        self._manager.configure(session_id, uuid4().hex, "permission_mode", DEFAULT, by)
        session = self._manager.get_session(session_id)
        runs = session is not None and bool(session.worker_pid)
        return answer_in_words(replies.setting_chosen("mode", DEFAULT, in_thread=True, runs=runs, for_channel=False))

    def _mended(self, action: SettleLostTurn | AskAgain, prompt_id: int) -> Answer:
        if isinstance(action, AskAgain):
            is_first = self._manager.let_ask_again(action.name, action.person, prompt_id)
        else:
            continue_as = prompt_id if action.goes_on else 0
            is_first = self._manager.settle_lost_turn(action.name, action.person, continue_as)
        return Answer(AnswerType.DEFERRED_UPDATE) if is_first else answer_in_words(LOST_IS_SETTLED)

    def _typed(self, judgement: JudgeTyped) -> Answer:
        typed, which = self._manager.delivery.typed, (judgement.session_id, judgement.prompt_id)
        is_first = typed.denies(*which, judgement.person) if judgement.is_reason else typed.is_message(*which)
        return Answer(AnswerType.DEFERRED_UPDATE) if is_first else answer_in_words(TOO_LATE_TYPED)

    def _shown_alone(self, request: PermissionRequest) -> Answer:
        session = self._manager.get_session(request.name.session_id)
        upcoming = self._manager.next_beside(request.name)
        return answer_with(cards.alone(upcoming or [request], session.directory if session else ""))


def _modal(action: AskAnswers | AskPlanChange | AskReason) -> dict[str, object]:
    match action:
        case AskAnswers(request, page):
            return questions.other_modal(request, page)
        case AskPlanChange(custom_id):
            return cards.plan_modal(custom_id)
        case AskReason(custom_id, tool):
            return replies.reason_modal(custom_id, cards.tool_in_words(tool))


def _decision(action: DecideRequest, request: PermissionRequest) -> Decide:
    verdict: Verdict = "allowed" if action.allowed else "denied"
    return request.decide(verdict, action.person, reason=action.reason, answers=action.answers, mode=action.mode)
