"""config.toml, written by a person (or by a machine that was never read)."""

import json
from pathlib import Path
from random import Random
from typing import Any

from bridge.protocol.errors import UserError
from lab.fuzz.edge import Edge, hold
from lab.fuzz.mutation import VALUES
from supervisor import config
from supervisor.config import file

TABLES: dict[str, tuple[str, ...]] = {
    "discord": file.DiscordTable.__struct_fields__,
    "claude": file.ClaudeTable.__struct_fields__,
    "state": file.StateTable.__struct_fields__,
    "files": file.FilesTable.__struct_fields__,
    "limits": file.LimitsTable.__struct_fields__,
    "permissions": ("timeout",),
    "sessions": ("hibernate_after",),
    "display": ("ping_after",),
    "containment": ("readable", "writable", "git_push", "mcp_logins"),
    "access": ("users", "roles", "talk", "decide", "manage"),
}
_SOME = (
    *(
        '"90s"',
        '"1d"',
        '"0"',
        '"1e400d"',
        '"50%"',
        '"4G"',
        '"-1"',
        '"~"',
        '"~nobody/x"',
        '"~/x"',
        '"/tmp"',
        '"\\u0000"',
    ),
    *(
        "0",
        "1",
        "-1",
        "1.5",
        "inf",
        "nan",
        "true",
        "[]",
        '["~/a"]',
        "[1, 2]",
        '["111"]',
        "{}",
        "{users = [1]}",
        "1979-05-27",
    ),
    *(
        '"plan"',
        '"off"',
        '"ask"',
        '"none"',
        '"project"',
        '"https://discord.com/api/v10"',
        '["claude"]',
        '["\\u0000"]',
        '[""]',
    ),
    *("9" * 30, '"' + "9" * 5000 + '"', "9" * 5000, "[" * 2000 + "]" * 2000, '"' + "x" * 3000 + '"'),
)


class Configuration(Edge):
    name = "configuration"
    clean = "UserError that names the file"

    def made(self, random: Random) -> bytes:
        lines = []
        for name in random.sample(tuple(TABLES), random.randint(0, 5)):
            lines.append(f"[{name}]")
            for key in random.sample(TABLES[name], min(len(TABLES[name]), random.randint(0, 3))):
                lines.append(f"{key} = {random.choice(_SOME)}")
        lines += ["[[channels]]", f"id = {random.choice(('222', '222', _value(random)))}"]
        lines += [f"directory = {random.choice(('PROJECT', 'PROJECT', random.choice(_SOME)))}"]
        for key in random.sample(file.ChannelTable.__struct_fields__, 2):
            if key not in ("id", "directory"):
                lines.append(f"{key} = {random.choice(_SOME)}")
        return "\n".join(lines).encode()

    def feed(self, data: bytes, folder: Path) -> None:
        (folder / "claude").touch(0o700)
        path = folder / "config.toml"
        path.write_bytes(data.replace(b"PROJECT", json.dumps(str(folder)).encode()))
        environ = {"HOME": str(folder), "PATH": str(folder)}
        try:
            told = config.load(path, environ)
            hold(told.channels, "a configuration without a channel")
            hold(all(Path(one.directory).is_dir() for one in told.channels.values()), "a channel without a directory")
        except UserError as error:
            _words(error, path)
        try:
            config.state_directory(path)
        except UserError as error:
            _words(error, path)


def _words(error: UserError, path: Path) -> None:
    hold(str(path) in str(error), "an error that does not name the file")
    str(error).encode()


def _value(random: Random) -> str:
    value: Any = random.choice(VALUES)
    try:
        return json.dumps(value)
    except ValueError:
        return "0"
