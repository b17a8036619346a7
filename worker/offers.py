"""What a person can choose, by Claude's initialize answer: as far as Discord can show it and a log should hold it."""

from bridge.protocol import events as e
from bridge.protocol.start import may_be_argument
from worker import control_frames as cf

OFFER_CHARS, OFFERS_KEPT = 100, 200


def read_offers(told: cf.Initialized) -> e.ChildOffered:
    models = [
        e.Offer(m.value, f"{m.displayName} {m.description}".strip()[:OFFER_CHARS], "", _efforts(m))
        for m in told.models
        if may_be_argument(m.value)
    ]
    commands = [
        e.Offer(one.name, one.description[:OFFER_CHARS], one.argumentHint[:OFFER_CHARS])
        for one in told.commands
        if one.name and not one.name.split()[1:] and one.name.isprintable()
    ]
    return e.ChildOffered(tuple(models[:OFFERS_KEPT]), tuple(commands[:OFFERS_KEPT]))


def _efforts(model: cf.OfferedModel) -> tuple[str, ...]:
    return tuple(effort for effort in model.supportedEffortLevels or () if may_be_argument(effort))
