"""The walks: what happens to one thing, from file to file, each arrow with how the code joins its ends.

An arrow of an *ask* leads there and back: what was asked has answered before the walk goes on from where it was.
"""

import msgspec

from lab.walks.arrows import Begun, Calls, Given, Heard, Hint, How, Outside, Sent, Taken

DISCORD, CLAUDE = "Discord", "Claude"


class Arrow(msgspec.Struct, frozen=True):
    """``what`` is a few words for the picture, ``told`` what happens there, for the table below it."""

    start: str
    to: str
    how: How
    told: str
    what: str = ""
    asks: bool = False


class Walk(msgspec.Struct, frozen=True):
    title: str
    told: str
    arrows: tuple[Arrow, ...]


def _ask(start: str, to: str, how: How, told: str, what: str = "") -> Arrow:
    return Arrow(start, to, how, told, what, asks=True)


CLIENT, GATEWAY, HEARING = (f"supervisor/discord/{name}.py" for name in ("client", "gateway", "hearing"))
REST, HTTP, PACE = (f"supervisor/discord/{name}.py" for name in ("rest", "http", "pace"))
INBOUND, HANDLING, SEEN = (f"supervisor/threads/{name}.py" for name in ("inbound", "handling", "message_seen"))
OUTBOX, WRITES, CARRIER = (f"supervisor/threads/{name}.py" for name in ("outbox", "writes", "carrier"))
INTERACTIONS, ANSWERS, PRESSED = (
    f"supervisor/commands/{name}.py" for name in ("interactions", "click_answers", "pressed")
)
ROUTER, CLICKS, DECIDED, PERMITS = (f"bridge/routing/{name}.py" for name in ("router", "clicks", "answers", "permits"))
MANAGER, ROWS, INBOX, LOOKUP, DELIVERY, DECISIONS, NEEDS = (
    f"supervisor/sessions/{name}.py"
    for name in ("manager", "rows", "inbox_table", "lookup", "delivery", "decisions", "worker_needs")
)
REPORTS, LIVE, POSTS = (f"supervisor/sessions/{name}.py" for name in ("reports", "live_text", "posts_table"))
DOWNLINK, ENDPOINT, PROCESSES, LOOKS, SEATS, STARTS, MACHINE = (
    f"supervisor/workers/{name}.py"
    for name in ("downlink", "endpoint", "processes", "seat_facts", "seats", "starts", "this_machine")
)
PROCESS, MAIN, LOG, UPLINK, HEARD, LIFE, ORDERS = (
    f"worker/{name}.py" for name in ("process", "main", "log", "uplink", "commands_heard", "child_life", "orders")
)
LOCK, CHILD_START, CHILD, STREAM, PROMPTS = (
    f"worker/{name}.py" for name in ("lock", "child_start", "claude", "stream", "prompts")
)
REQUESTS, ASKS, MESSAGES, TEXTS = (f"worker/{name}.py" for name in ("claude_requests", "asks", "messages", "texts"))
MANAGED = "bridge/session/managed.py"
VIEW, CARD_FLOW, CARDS, FLOW, SEGMENTS = (
    f"bridge/render/{name}.py" for name in ("view", "card_flow", "cards", "flow", "segments")
)
SPLIT = "bridge/render/markdown/split.py"

_JOINED = Given("supervisor/assembly.py")
_WITH_THE_CHILD = Given("worker/child_start.py", "worker/child.py")

_FROM_DISCORD = (
    Arrow(DISCORD, CLIENT, Outside("nextcord"), "Discord's own JSON, from the one socket.", "event"),
    Arrow(
        CLIENT,
        GATEWAY,
        Given(GATEWAY, "supervisor/discord/current_client.py"),
        "In the call that received it, and so in the order of arrival.",
    ),
    Arrow(
        GATEWAY, HEARING, Calls("learn"), "First what we know of the servers is brought up to date, then others hear."
    ),
)
_TO_THE_WORKER = (
    _ask(DOWNLINK, LOOKUP, Calls("inbox"), "What waits in the session's inbox?", "what may go?"),
    Arrow(LOOKUP, DELIVERY, Calls("of"), "And what of it may go now: whole, with a place, and its author still may."),
    _ask(DOWNLINK, ENDPOINT, Calls("due"), "What of that waits for no file, and was not sent a moment ago?"),
    Arrow(DOWNLINK, UPLINK, Sent("Order"), "Repeated until an event answers it.", "Order"),
    Arrow(UPLINK, HEARD, Given(MAIN), "What was heard waits in its order."),
    Arrow(HEARD, LIFE, Taken(Calls("next")), "Taken once the child is ready, one at a time."),
    _ask(LIFE, ORDERS, Calls("moves_of"), "What to do about it by the log's account; nothing for a repetition."),
)
_TO_THE_LOG = (Arrow(MAIN, LOG, Given(PROCESS), "Appended, and on the disk, before anything else; then it is folded."),)
_TO_DISCORD = (
    _ask(OUTBOX, POSTS, Calls("unsettled_posts"), "Which posts are not shown as they should be?", "which posts?"),
    _ask(OUTBOX, WRITES, Calls("plan"), "Which goes first, what goes with it, and when?"),
    Arrow(OUTBOX, CARRIER, Calls("carry_out"), "Made once: the attempt is noted first; or edited, to the newest."),
    Arrow(CARRIER, REST, Given("supervisor/assembly.py", OUTBOX), "The request.", "create, edit"),
    Arrow(REST, HTTP, Calls("do"), "With the token, and a deadline."),
    _ask(HTTP, PACE, Calls("slot"), "Its turn: after what is more urgent, within Discord's limits."),
    Arrow(HTTP, DISCORD, Outside("aiohttp"), "What is shown is noted when it answers.", "post"),
)
_FROM_CLAUDE = (
    Arrow(CLAUDE, CHILD, Outside("socket"), "Bytes become lines.", "stream-json"),
    Arrow(CHILD, LIFE, Taken(_WITH_THE_CHILD), "Lines, in batches as they come."),
    _ask(LIFE, STREAM, Calls("receive"), "What does the line mean? Steps, to be taken in their order."),
)
_TO_CLAUDE = Arrow(CHILD, CLAUDE, Outside("socket"), "Claude reads it.", "stream-json")

MESSAGE = Walk(
    "A message",
    "Somebody writes in a channel or a thread, and Claude gets it.",
    (
        *_FROM_DISCORD,
        Arrow(HEARING, INBOUND, Heard("MESSAGE_CREATE"), "Who hears of messages.", "MESSAGE_CREATE"),
        Arrow(INBOUND, HANDLING, Calls("live"), "Handled at once, or kept while its channel is read back."),
        _ask(HANDLING, SEEN, Calls("seen_by"), "The fact: who wrote what, and where."),
        _ask(
            HANDLING,
            ROUTER,
            Calls("handle_message"),
            "What does it lead to? A value: CreateSession, PromptSession …",
            "fact, value",
        ),
        Arrow(ROUTER, PERMITS, Calls("lacks"), "Whether its author may."),
        Arrow(HANDLING, MANAGER, Calls("create_session"), "The value is carried out.", "CreateSession, PromptSession"),
        _ask(
            MANAGER, ROWS, Calls("wish"), "In one transaction: the session, the prompt, the cursor behind the message."
        ),
        Arrow(ROWS, INBOX, Calls("wish"), "The prompt is a wish, a row of the inbox."),
        Arrow(MANAGER, DOWNLINK, Hint("wished"), "The session's id; where no worker runs, see below.", "wished"),
        *_TO_THE_WORKER,
        _ask(LIFE, MAIN, Given(MAIN), "PromptAccepted is logged."),
        *_TO_THE_LOG,
        _ask(LIFE, STREAM, Calls("prompt"), "The line for Claude, under the uuid that was logged."),
        Arrow(STREAM, PROMPTS, Calls("send"), "It is open until its own end is told."),
        Arrow(LIFE, CHILD, _WITH_THE_CHILD, "The line is written."),
        _TO_CLAUDE,
    ),
)

START = Walk(
    "A worker's start",
    "Something waits for a session that has no worker.",
    (
        Arrow(MANAGER, PROCESSES, Hint("wished"), "The session's id.", "wished"),
        _ask(PROCESSES, LOOKS, Calls("at"), "One look at its seat: who has the lock, what was heard?"),
        _ask(LOOKS, NEEDS, Calls("is_wanted"), "Is a worker wanted?", "is one wanted?"),
        _ask(PROCESSES, SEATS, Calls("next_step"), "The next step, as its table says: Spawn."),
        _ask(PROCESSES, STARTS, _JOINED, "What is it to be told of the session and the configuration?"),
        _ask(PROCESSES, DOWNLINK, Calls("open"), "A socket of its own listens, for a key made for this start."),
        Arrow(PROCESSES, MACHINE, _JOINED, "The process is spawned, in a process session of its own."),
        Arrow(MACHINE, PROCESS, Begun(), "Through an inherited pipe.", "WorkerStart"),
        _ask(PROCESS, LOCK, Calls("take"), "Who has the session's lock is its worker; any other ends."),
        _ask(PROCESS, LOG, Calls("EventLog"), "The log is opened, and repaired."),
        Arrow(PROCESS, MAIN, Calls("run"), "What a worker before left open is closed, in the log."),
        _ask(MAIN, CHILD_START, Given(PROCESS), "What does the child need, and can it be shut in?"),
        Arrow(CHILD_START, CHILD, Calls("spawn"), "It is spawned within its walls."),
        Arrow(CHILD, CLAUDE, Outside("socket"), "The first line that it gets asks it to initialize.", "argv, stdio"),
        Arrow(MAIN, UPLINK, Calls("run"), "It says hello while the child is still being started."),
        Arrow(UPLINK, DOWNLINK, Sent("Hello", read_in=ENDPOINT), "How far its log reaches.", "Hello"),
        _ask(DOWNLINK, ENDPOINT, Calls("meaning"), "Is it this session's, and do we speak its protocol?"),
        _ask(DOWNLINK, REPORTS, Calls("hello"), "How far is that log folded?", "how far are we?"),
        Arrow(
            DOWNLINK,
            UPLINK,
            Sent("Welcome", made_in=REPORTS),
            "How far we are; all that waits in the inbox follows, as above.",
            "Welcome",
        ),
    ),
)

REQUEST = Walk(
    "A permission request",
    "Claude asks, and a card stands in the thread.",
    (
        *_FROM_CLAUDE,
        Arrow(STREAM, REQUESTS, Calls("asked"), "A control request: of which kind?"),
        Arrow(REQUESTS, ASKS, Calls("asked"), "PermissionRequested; what nobody could be shown is answered at once."),
        _ask(LIFE, MAIN, Given(MAIN), "The record's number is the request's name."),
        *_TO_THE_LOG,
        Arrow(MAIN, UPLINK, Calls("wake"), "There are new records."),
        _ask(UPLINK, LOG, Given(PROCESS, MAIN), "Those above what the supervisor has applied."),
        Arrow(UPLINK, DOWNLINK, Sent("Records", read_in=ENDPOINT), "Sent again until acknowledged.", "Records"),
        _ask(DOWNLINK, ENDPOINT, Calls("meaning"), "Whose is it, and what does it mean?"),
        Arrow(
            DOWNLINK,
            REPORTS,
            Calls("record"),
            "Folded, drawn and saved in one transaction; then acknowledged.",
            "records",
        ),
        _ask(REPORTS, MANAGED, Calls("apply"), "The request is open.", "fold"),
        _ask(REPORTS, VIEW, Calls("apply"), "Which posts change?", "draw"),
        Arrow(VIEW, CARD_FLOW, Calls("_ask"), "Where it is asked: on a card of its own, or with others."),
        Arrow(CARD_FLOW, CARDS, Calls("open_card"), "The card."),
        Arrow(REPORTS, OUTBOX, Hint("posted"), "The session's id.", "posted"),
        *_TO_DISCORD,
    ),
)

ANSWER = Walk(
    "Its answer",
    "Somebody presses a button of that card. The card changes by the record of the answer, on the way of the request.",
    (
        *_FROM_DISCORD,
        Arrow(HEARING, INTERACTIONS, Heard("INTERACTION_CREATE"), "Who hears of clicks.", "INTERACTION_CREATE"),
        Arrow(INTERACTIONS, ANSWERS, Calls("answer"), "What a click leads to is carried out."),
        _ask(ANSWERS, PRESSED, Calls("clicked"), "The fact: who pressed what, and where."),
        _ask(ANSWERS, CLICKS, Calls("handle_click"), "What does it lead to? A value: DecideRequest …", "fact, value"),
        Arrow(CLICKS, PERMITS, Calls("lacks_in"), "Whether this person may."),
        Arrow(CLICKS, DECIDED, Calls("decided_by"), "The decision that the button says."),
        Arrow(ANSWERS, DECISIONS, Calls("settle_all"), "The first decision wins, in the transaction.", "DecideRequest"),
        _ask(DECISIONS, ROWS, Calls("wish"), "It is bound to the digest of what was shown."),
        Arrow(ROWS, INBOX, Calls("wish"), "The decision is a wish, a row of the inbox."),
        Arrow(DECISIONS, DOWNLINK, Hint("wished"), "The session's id.", "wished"),
        _ask(
            INTERACTIONS,
            REST,
            _JOINED,
            "Meanwhile Discord gets its answer, which is void after 3 s.",
            "answer the click",
        ),
        *_TO_THE_WORKER,
        _ask(LIFE, STREAM, Calls("decide"), "What becomes of the decision?"),
        Arrow(STREAM, ASKS, Calls("decide"), "The digest is compared: PermissionResolved, and a line for Claude."),
        _ask(LIFE, MAIN, Given(MAIN), "PermissionResolved is logged."),
        *_TO_THE_LOG,
        Arrow(LIFE, CHILD, _WITH_THE_CHILD, "Then the line is written."),
        _TO_CLAUDE,
    ),
)

DELTA = Walk(
    "A delta",
    "Claude writes on, and the thread shows it. It is in no log: what of it is lost comes with the text's own record.",
    (
        *_FROM_CLAUDE,
        Arrow(STREAM, MESSAGES, Calls("streamed"), "A piece of the block that streams."),
        Arrow(MESSAGES, TEXTS, Calls("add"), "How much of it is kept."),
        Arrow(LIFE, UPLINK, Calls("delta"), "It gathers for a moment."),
        Arrow(UPLINK, DOWNLINK, Sent("Delta", read_in=ENDPOINT), "Offered, and never repeated.", "Delta"),
        _ask(DOWNLINK, ENDPOINT, Calls("meaning"), "Whose is it, and what does it mean?"),
        Arrow(DOWNLINK, LIVE, Calls("hear"), "Kept in memory.", "text"),
        Arrow(LIVE, OUTBOX, Hint("streamed"), "The session's id, many times a second.", "streamed"),
        _ask(OUTBOX, LIVE, Calls("render"), "It may go now, so it is drawn now: the newest.", "draw it now"),
        _ask(LIVE, VIEW, Calls("live_posts"), "Which posts does it change?", "draw"),
        Arrow(VIEW, FLOW, Calls("_posts"), "It stands at the end of the open segment."),
        Arrow(FLOW, SEGMENTS, Calls("posts_of"), "As many posts as that needs."),
        Arrow(SEGMENTS, SPLIT, Calls("split"), "No cut moves that was made.", "cut"),
        *_TO_DISCORD,
    ),
)

WALKS = (MESSAGE, START, REQUEST, ANSWER, DELTA)
