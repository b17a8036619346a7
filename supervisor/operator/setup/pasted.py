"""A bot's token as people paste it, and what they may have pasted instead.

The developer portal shows three secrets and numbers beside each other; a token has three parts with dots between them
(discord-api-docs, "Authentication").
"""

import re


def token_in(text: str) -> str:
    """Without what comes along: quotes, ``Bot ``, line breaks, a byte order mark."""
    bare = text.strip().lstrip("\ufeff").strip().strip("\"'`").strip()
    return "".join(re.sub(r"^bot\s+", "", bare, flags=re.IGNORECASE).split())


def instead(token: str) -> str:
    """What it looks like, for a token that Discord refuses; empty for one that looks like a token."""
    if token.isdecimal():
        return "it is a number, perhaps the Application ID"
    if re.fullmatch("[0-9a-f]{64}", token):
        return "it looks like the application's Public Key"
    if "." not in token:
        return "it has no dots in it; perhaps it is the Client Secret of OAuth2"
    return ""
