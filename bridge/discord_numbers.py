"""Discord's numbers by their names: the one home of types, flags, permissions, codes and limits (API version 10).

Source: discord-api-docs, in the section that each docstring names. What is not sent, read or decided by is not here.
"""

from enum import IntEnum, IntFlag


class ChannelType(IntEnum):
    """resources/channel.mdx, "Channel Types"."""

    TEXT = 0
    DIRECT = 1
    VOICE = 2
    GROUP_DIRECT = 3
    CATEGORY = 4
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13
    DIRECTORY = 14
    FORUM = 15
    MEDIA = 16


class MessageType(IntEnum):
    """resources/message.mdx, "Message Types": what somebody wrote; every other is Discord's own."""

    DEFAULT = 0
    REPLY = 19


class MessageFlag(IntFlag):
    """resources/message.mdx, "Message Flags"."""

    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    SUPPRESS_NOTIFICATIONS = 1 << 12
    IS_VOICE_MESSAGE = 1 << 13


class ApplicationFlag(IntFlag):
    """resources/application.mdx, "Application Flags": two for Message Content Intent, by whether it is verified."""

    GATEWAY_MESSAGE_CONTENT = 1 << 18
    GATEWAY_MESSAGE_CONTENT_LIMITED = 1 << 19


class Component(IntEnum):
    """components/reference.mdx, "Component Types"."""

    ACTION_ROW = 1
    BUTTON = 2
    STRING_SELECT = 3
    TEXT_INPUT = 4
    LABEL = 18


class ButtonStyle(IntEnum):
    """components/reference.mdx, "Button Styles"."""

    PRIMARY = 1
    SECONDARY = 2
    SUCCESS = 3
    DANGER = 4


class TextStyle(IntEnum):
    """components/reference.mdx, "Text Input Styles"."""

    PARAGRAPH = 2


class InteractionType(IntEnum):
    """interactions/receiving-and-responding.mdx, "Interaction Type"."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class AnswerType(IntEnum):
    """interactions/receiving-and-responding.mdx, "Interaction Callback Type"."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


class OptionType(IntEnum):
    """interactions/application-commands.mdx, "Application Command Option Type"."""

    SUBCOMMAND = 1
    STRING = 3
    BOOLEAN = 5
    USER = 6
    CHANNEL = 7


class Permission(IntFlag):
    """topics/permissions.mdx, "Bitwise Permission Flags"."""

    ADMINISTRATOR = 1 << 3
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    SEND_MESSAGES_IN_THREADS = 1 << 38


class ErrorCode(IntEnum):
    """topics/opcodes-and-status-codes.mdx, "JSON Error Codes"."""

    UNKNOWN_CHANNEL = 10003
    UNKNOWN_MESSAGE = 10008
    EXPLICIT_CONTENT = 20009
    ENTITY_TOO_LARGE = 40005
    MISSING_ACCESS = 50001
    NOT_OURS = 50005
    EMPTY_MESSAGE = 50006
    NON_TEXT_CHANNEL = 50008
    MISSING_PERMISSIONS = 50013
    INVALID_FORM = 50035
    FILE_TOO_LARGE = 50045
    INVALID_FILE = 50046
    INVALID_JSON = 50109
    THREAD_ARCHIVED = 50083
    THREAD_EXISTS = 160004
    THREAD_LOCKED = 160005
    TOO_MANY_THREADS = 160006
    BLOCKED_BY_FILTER = 200000
    TITLE_BLOCKED_BY_FILTER = 200001
    HARMFUL_LINKS = 240000


class CloseCode(IntEnum):
    """topics/opcodes-and-status-codes.mdx, "Gateway Close Event Codes"."""

    AUTHENTICATION_FAILED = 4004
    DISALLOWED_INTENTS = 4014


# --- limits, in characters unless said otherwise ---------------------------------------------------------

CONTENT_CHARS = 2000
"""Of a message (resources/message.mdx, "Create Message")."""
EMBED_DESCRIPTION_CHARS = 4096
"""resources/message.mdx, "Embed Limits"."""
MOST_FILES = 10
"""Of a message."""
MOST_MEGABYTES = 500
"""Of one file, from whoever may send the largest (reference.mdx, "Uploading Files")."""
BUTTONS_A_ROW, MOST_ROWS = 5, 5
"""components/reference.mdx, "Action Row"; so many rows has a message."""
BUTTON_LABEL_CHARS = 80
MOST_CHOICES, CHOICE_CHARS = 25, 100
"""Of a select, and of what an autocompletion offers."""
MODAL_TITLE_CHARS = 45
FIELD_LABEL_CHARS, FIELD_HINT_CHARS = 45, 100
"""Of a label in a modal, and of its description."""
PLACEHOLDER_CHARS = 150
"""Of a select."""
OPTION_CHARS = 4000
"""What a person may type in a command's option is up to 6,000; ours are this long."""
PAGE_MESSAGES = 100
"""resources/message.mdx, "Get Channel Messages": how many are given at once."""
NONCE_CHARS = 25
"""resources/message.mdx, "Create Message"."""
ARCHIVE_MINUTES = (60, 1440, 4320, 10_080)
"""After how long without a message a thread is archived, one of these (resources/channel.mdx, "Start Thread")."""
ID_TIME_SHIFT = 22
"""reference.mdx, "Snowflakes": of an id, the bits below its time, which is in milliseconds."""
MOST_ID = (1 << 63) - 1
"""reference.mdx, "Snowflakes": an id has a time in its upper bits, so it is below this for decades."""
