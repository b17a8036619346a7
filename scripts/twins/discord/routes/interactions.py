"""Routes by which the bot answers interactions. They need no bot token: theirs is in the path."""

from twins.discord.checks.message import check_edit
from twins.discord.errors import thread_is_archived, unknown_webhook
from twins.discord.interactions import Interaction, Interactions
from twins.discord.model import Json, Message
from twins.discord.rest import Call, Route
from twins.discord.world import World

_HOOK = "/webhooks/{webhook_id}/{webhook_token}"
_MESSAGE = _HOOK + "/messages/{message_id}"


class InteractionRoutes:
    def __init__(self, world: World, interactions: Interactions) -> None:
        self._world = world
        self._interactions = interactions

    def routes(self) -> list[Route]:
        return [
            ("POST", "/interactions/{interaction_id}/{token}/callback", self._answer),
            ("POST", _HOOK, self._follow_up),
            ("GET", _MESSAGE, lambda call: self._world.message_json(self._response(call))),
            ("PATCH", _MESSAGE, self._edit),
            ("DELETE", _MESSAGE, lambda call: self._world.delete(self._response(call))),
        ]

    def _answer(self, call: Call) -> Json | None:
        token = call.parameters["token"]
        found = self._interactions.answer(call.id("interaction_id"), token, call.payload, call.uploads)
        if call.query.get("with_response") != "true":
            return None
        return self._with_response(found)

    def _with_response(self, found: Interaction) -> Json:
        assert found.answer is not None
        resource: Json = {"type": int(found.answer.type)}
        if found.answer.message is not None:
            resource["message"] = self._world.message_json(found.answer.message)
        return {"interaction": {"id": str(found.id), "type": int(found.kind)}, "resource": resource}

    def _interaction(self, call: Call) -> Interaction:
        if call.id("webhook_id") != self._world.application_id:
            raise unknown_webhook()
        return self._interactions.by_token(call.parameters["webhook_token"])

    def _response(self, call: Call) -> Message:
        return self._interactions.response(self._interaction(call), call.parameters["message_id"])

    def _follow_up(self, call: Call) -> Json:
        found = self._interaction(call)
        message = self._interactions.follow_up(found, call.payload, call.uploads)
        return self._world.message_json(message)

    def _edit(self, call: Call) -> Json:
        message = self._response(call)
        thread = self._world.channel(message.channel_id).thread
        if thread is not None and thread.archived:
            raise thread_is_archived()
        check_edit(call.payload, call.uploads, message)
        self._world.edit(message, call.payload, call.uploads)
        return self._world.message_json(message)
