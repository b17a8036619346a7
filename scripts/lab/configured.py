"""A configuration for what is tried without a service: its state is in a folder, and nothing answers at its Discord."""

from pathlib import Path

import msgspec

from bridge.protocol.layout import Layout
from bridge.session.rights import Policy
from supervisor.config import Config


def configuration(folder: Path, **changes: object) -> Config:
    """``changes``: fields that are otherwise."""
    config = Config(
        path=folder / "config.toml",
        api_base="http://127.0.0.1:1",
        policy=Policy(),
        channels={},
        command=("claude",),
        environment={},
        permission_mode="default",
        bypass_permissions=False,
        model="",
        permission_timeout_s=None,
        layout=Layout(folder),
        token_file="",
    )
    return msgspec.structs.replace(config, **changes)
