"""What is in $HOME at the level ``project``: nothing of the user's but what makes common tools work.

Installations and git's own configuration are the user's, read-only. Caches are ours, one folder for each channel,
and never the user's: a wheel or a crate that was poisoned there would run in the user's terminal. Files that hold
keys to somewhere (``.npmrc``, ``pip.conf``, ``.netrc``, ``.ssh``) come in only where the configuration names them.
"""

from collections.abc import Iterator
from pathlib import Path

from worker.walls import at_path
from worker.walls.own_places import believed
from worker.walls.wish import Mount

INSTALLATIONS = (
    *(".gitconfig", ".config/git", ".gitignore", ".gitignore_global", ".gitattributes", ".editorconfig"),
    *(".local/bin", ".local/lib", ".local/pipx", ".local/share/pipx", ".local/share/uv", ".local/share/man"),
    *(".pyenv", ".python-version", ".conda", "miniconda3", "anaconda3", "miniforge3", "mambaforge", ".rye"),
    *(
        ".nvm",
        ".nvmrc",
        ".fnm",
        ".local/share/fnm",
        ".volta",
        ".nodenv",
        ".npm-global",
        ".npm-packages",
        ".bun",
        ".deno",
    ),
    *(".local/share/pnpm", ".yarnrc.yml", ".cargo/bin", ".cargo/env", ".cargo/config.toml", ".rustup", "go/bin"),
    *(".go", ".goenv", ".asdf", ".asdfrc", ".tool-versions", ".local/share/mise", ".config/mise", ".proto"),
    *(".rbenv", ".rvm", ".gem", ".local/share/gem", ".sdkman", ".jenv", ".dotnet", ".ghcup", ".elan", ".juliaup"),
    *(".opam", ".local/share/rtx", ".nix-profile", ".local/state/nix", ".krew"),
)
"""Below the user's home. Read-only."""
CACHES = (
    *(".cache", ".npm/_cacache", ".cargo/registry", ".cargo/git", "go/pkg", ".m2/repository", ".gradle/caches"),
    *(".gradle/wrapper", ".nuget/packages", ".pub-cache", ".yarn/berry", ".bun/install/cache"),
)
"""What stands there inside is below the channel's folder."""


def mounts(home: Path, caches: Path, written: tuple[Path, ...], hidden: tuple[Path, ...]) -> Iterator[Mount]:
    for name in CACHES:
        yield Mount(home / name, "writable", str(caches / name))
    for name in INSTALLATIONS:
        real = believed(home / name, written, hidden)
        if real and at_path.exists(real):
            yield Mount(home / name, "read-only", str(real))


def folders(caches: Path) -> list[Path]:
    """To be made before anything is bound."""
    return [caches / name for name in CACHES]
