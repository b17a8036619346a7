"""What a person can do on the page: each act is one JSON object, answered with one.

`{"do": "Say", "as": "you", "channel": "1", "text": "hello"}` → `{}`, `{"error": "in words"}`, or what came of it:
`{"modal": …, "interaction": ID}`, `{"choices": […]}`, `{"failed": true}` when the bot did not answer in time.
"""

from typing import Annotated, Any

import msgspec

from playground import bridge
from playground.host.bridge_host import Host
from twins.discord.errors import ApiError
from twins.discord.forms import CannotError
from twins.discord.interactions import Interaction
from twins.discord.model import Json, Message, Upload
from twins.discord.person import MOST_TYPED, InteractionFailedError, Person

MOST_FILE_BYTES = 10 * 1024 * 1024
"""Discord's limit for an upload without a subscription (documentation, "Uploading Files")."""
MOST_FILES = 10

type Id = Annotated[str, msgspec.Meta(pattern=r"^\d{1,20}$")]


class File(msgspec.Struct, frozen=True):
    """A file that a person sends; `data` is base64 in the JSON."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    data: bytes
    type: str = "application/octet-stream"

    def upload(self) -> Upload:
        if len(self.data) > MOST_FILE_BYTES:
            raise CannotError(f"{self.name} is larger than 10 MiB")
        return Upload(self.name.replace("/", "_"), self.data, self.type or "application/octet-stream")


class Act(msgspec.Struct, frozen=True, kw_only=True, tag=True, tag_field="do"):
    """`who` ("as" in the JSON) is "you" or "mallory"."""

    who: str = msgspec.field(default="you", name="as")

    async def done(self, scene: "Scene") -> Json:
        raise NotImplementedError


class Scene:
    """What an act works on: the Discord, and who acts."""

    def __init__(self, host: Host, who: str) -> None:
        self.host = host
        self.discord = host.discord
        people = {"you": host.you, "mallory": host.mallory}
        if who not in people:
            raise CannotError(f"nobody here is called {who!r}")
        self.person: Person = people[who]

    def message(self, message_id: Id) -> Message:
        """A message that this person sees."""
        found = self.discord.world.everything.get(int(message_id))
        if found is None or found.deleted or found.ephemeral_for not in (None, self.person.id):
            raise CannotError("that message is no longer there")
        return found

    def interaction(self, interaction_id: Id) -> Interaction:
        for made in reversed(self.discord.interactions.all):
            if made.id == int(interaction_id) and made.user is self.person.user:
                return made
        raise CannotError("that form is no longer there")


class Say(Act, frozen=True):
    channel: Id
    text: str = ""
    reply: Id | None = None
    files: list[File] = []

    async def done(self, scene: Scene) -> Json:
        if len(self.files) > MOST_FILES:
            raise CannotError(f"a message takes {MOST_FILES} files")
        target = None if self.reply is None else scene.message(self.reply)
        uploads = [file.upload() for file in self.files]
        said = await scene.person.says(int(self.channel), self.text, reply_to=target, attachments=uploads)
        return {"message": str(said.id)}


class Edit(Act, frozen=True):
    message: Id
    text: str

    async def done(self, scene: Scene) -> Json:
        if not self.text.strip() or len(self.text) > MOST_TYPED:
            raise CannotError(f"a message of {len(self.text)} characters cannot be saved")
        await scene.person.edits(scene.message(self.message), self.text)
        return {}


class Delete(Act, frozen=True):
    message: Id

    async def done(self, scene: Scene) -> Json:
        await scene.person.deletes(scene.message(self.message))
        return {}


class Click(Act, frozen=True):
    """A button, or `values` picked in a select."""

    message: Id
    custom_id: str
    values: list[str] | None = None

    async def done(self, scene: Scene) -> Json:
        message = scene.message(self.message)
        return _told(await scene.person.clicks(message, self.custom_id, self.values, may_fail=True))


class Submit(Act, frozen=True):
    """The form that `interaction` was answered with; `values` by custom id."""

    interaction: Id
    values: dict[str, str | bool | list[str]]

    async def done(self, scene: Scene) -> Json:
        form = scene.interaction(self.interaction)
        return _told(await scene.person.submits(form, self.values, may_fail=True))


class Run(Act, frozen=True):
    """A slash command; `files` are the values of options that take a file."""

    channel: Id
    command: str
    options: dict[str, str | bool | int | float] = {}
    files: dict[str, File] = {}

    async def done(self, scene: Scene) -> Json:
        given: dict[str, object] = {**self.options, **{name: file.upload() for name, file in self.files.items()}}
        return _told(await scene.person.runs(self.command, given, int(self.channel), may_fail=True))


class Kill(Act, frozen=True):
    """The supervisor, as `kill -9` does."""

    async def done(self, scene: Scene) -> Json:
        return {"told": await bridge.kill(scene.host)}


class Start(Act, frozen=True):
    """The supervisor again."""

    async def done(self, scene: Scene) -> Json:
        return {"told": await bridge.start(scene.host)}


class Complete(Act, frozen=True):
    """What is offered while `focused` is typed."""

    channel: Id
    command: str
    focused: str
    options: dict[str, str | bool | int | float] = {}

    async def done(self, scene: Scene) -> Json:
        offered = await scene.person.completes(self.command, self.options, self.focused, int(self.channel))
        return {"choices": offered}


_ACT = msgspec.json.Decoder(Say | Edit | Delete | Click | Submit | Run | Kill | Start | Complete)


async def act(host: Host, body: bytes) -> tuple[int, Json]:
    """Do what `body` says: the HTTP status (200, 400, 409) and the answer."""
    try:
        asked = _ACT.decode(body)
        return 200, await asked.done(Scene(host, asked.who))
    except msgspec.MsgspecError as error:
        return 400, {"error": str(error)}
    except InteractionFailedError:
        return 200, {"failed": True}
    except ApiError as error:
        return 409, {"error": error.message}
    except (CannotError, ValueError) as error:
        return 409, {"error": str(error)}


def _told(made: Interaction) -> Json:
    """What the person who acted gets to see at once; messages come by themselves."""
    told: dict[str, Any] = {"interaction": str(made.id)}
    if made.failed:
        return {**told, "failed": True}
    modal = made.answer.modal if made.answer else None
    return told if modal is None else {**told, "modal": modal}
