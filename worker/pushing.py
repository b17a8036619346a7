"""``git_push``: a branch of the child's, copied out of its walls, and pushed with the user's keys when a person allows.

Nothing of the child's repository decides what runs outside, or where to: git is never run there with its configuration,
its hooks, its links or its alternates, and its remotes are not asked for. In three steps:

1. *Copy.* Within the walls git packs the branch's whole history; outside the pack is read into a new, empty bare
   repository. So what goes out is what the child could read anyway: ``objects``, alternates or a ``.git`` that lead to
   another repository of the user's lead, inside, to nothing. No file of the child's is opened by us.
2. *Show.* The remote is asked where its branches stand, and the commits that it has not are listed.
3. *Push*, after the card: exactly the commit that was shown to exactly the branch that was shown, by its id, to the
   URL that was recorded when the session was created.
"""

import asyncio
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bridge.protocol.errors import RemoteError, UserError
from bridge.protocol.push import MOST_LISTED, Push, may_be_branch
from bridge.protocol.remote import local_path
from worker.git import COPY_DEADLINE_S, MOST_PACK_BYTES, Done, Inside, Outside, checked
from worker.mcp import PushBranch
from worker.walls.wish import within

REMOTE_DEADLINE_S = 30.0
PUSH_DEADLINE_S = 300.0
SUBJECT_CHARS, FILE_CHARS = 150, 300
NO_GIT = "git is not installed where only root can put it, so nothing can be pushed"
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_HEADS = "refs/heads/"
_PUSH = (
    *("push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed"),
    *("--recurse-submodules=no", "--no-thin"),
)


class Source(msgspec.Struct, frozen=True):
    """Whence and where to. ``forbidden``: real paths that children can write, or that are ours."""

    inside: Inside
    outside: Outside
    forbidden: tuple[Path, ...] = ()

    @property
    def remote(self) -> str:
        return self.outside.remote


async def prepare(call: PushBranch, source: Source) -> Push:
    """What would be pushed, copied and looked at. Raises BridgeError, in words for Claude, when nothing can be."""
    to = call.to or call.branch
    for name in (call.branch, to):
        if not may_be_branch(name):
            raise UserError(f"{name!r} is no branch's name: give the name alone, without refs/heads/, + or a colon")
    if not source.outside.program:
        raise UserError(NO_GIT)
    check_remote(source)
    commit = await _commit_of(call.branch, source.inside)
    await _copy(commit, source)
    heads = await _heads(source.outside)
    was = heads.get(to, "")
    if was == commit:
        raise UserError(f"there is nothing to push: {to} of the remote is at {commit[:10]} already")
    known = await _known(tuple(heads.values()), source.outside)
    is_forward = not was or (was in known and await _is_ancestor(was, commit, source.outside))
    if not is_forward and not call.force_with_lease:
        raise UserError(
            f"{to} of the remote is at {was[:10]}, which is no part of the history of your {call.branch}: fetch and"
            " merge or rebase first, or ask with force_with_lease to replace what is there"
        )
    push = Push(source.remote, call.branch, to, commit, was, force=not is_forward)
    return await _listed(push, known, source.outside)


async def push(wanted: Push, source: Source) -> str:
    """What happened, in words. Raises UserError when it did not, and RemoteError when nobody knows."""
    check_remote(source)
    target = f"{_HEADS}{wanted.to}"
    lease = (f"--force-with-lease={target}:{wanted.was}",) if wanted.force else ()
    words = (*_PUSH, *lease, "--", wanted.remote, f"{wanted.commit}:{target}")
    done = await source.outside.run(*words, deadline_s=PUSH_DEADLINE_S)
    if done.code < 0:
        raise RemoteError("git was ended before it was done")
    checked(done, f"{wanted.to} was not pushed")
    commits = f"{wanted.commit_count:,} commit{'' if wanted.commit_count == 1 else 's'}"
    what = "new branch" if not wanted.was else f"replaced {wanted.was[:10]}" if wanted.force else commits
    return f"Pushed {wanted.branch} ({wanted.commit[:10]}) to {wanted.to} of {wanted.remote}: {what}"


def check_remote(source: Source) -> None:
    """Raises UserError for one on this machine in which a child could have put hooks: they would run outside."""
    if not (path := local_path(source.remote)):
        return
    real = Path(path).resolve()
    if str(real) != path:
        raise UserError(f"the remote {path} is reached through a link now, so nothing is pushed to it")
    if any(within(real, place) or within(place, real) for place in source.forbidden):
        raise UserError(f"the remote {path} lies where Claude may write, so what it has for hooks would run outside")


def forget(source: Source) -> None:
    """The copy is not needed any more."""
    shutil.rmtree(source.outside.bare, ignore_errors=True)


async def _commit_of(branch: str, inside: Inside) -> str:
    found = await inside.run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{_HEADS}{branch}^{{commit}}")
    if found.code:
        said = found.in_words() if found.said else ""
        raise UserError(f"there is no branch {branch!r} in the project{f' ({said})' if said else ''}")
    commit = found.output.strip()
    if not _ID.fullmatch(commit):
        raise UserError("git in the project did not tell a commit's id")
    shallow = await inside.run("rev-parse", "--is-shallow-repository")
    if shallow.output.strip() == "true":
        raise UserError("the project is a shallow clone, whose history is not whole: git fetch --unshallow first")
    return commit


async def _copy(commit: str, source: Source) -> None:
    """Into a new bare repository, which nothing of the user's templates comes into."""
    bare = source.outside.bare
    try:
        shutil.rmtree(bare, ignore_errors=True)
        bare.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise UserError(f"there is no place for a copy: {error.strerror}") from error
    kind = "sha256" if len(commit) == 64 else "sha1"
    words = ("init", "--quiet", "--bare", "--template=", f"--object-format={kind}")
    checked(await source.outside.run(*words), "a copy could not be begun")
    await _pour(commit, source)
    checked(await source.outside.run("cat-file", "-e", f"{commit}^{{commit}}"), "the copy has not the commit")


async def _pour(commit: str, source: Source) -> None:
    """Who is read from and who reads run at the same time; when one ends early, so does the other."""
    reading, writing = os.pipe()
    begin = ("index-pack", "--stdin", f"--max-input-size={MOST_PACK_BYTES}")
    packed, read = await asyncio.gather(
        source.inside.pour("pack-objects", "--revs", "--stdout", "-q", given=f"{commit}\n", into=writing),
        source.outside.run(*begin, deadline_s=COPY_DEADLINE_S, source=reading),
        return_exceptions=True,
    )
    for done in (packed, read):
        if isinstance(done, BaseException):
            raise done
    assert isinstance(packed, Done) and isinstance(read, Done)
    if packed.code and not read.code:
        checked(packed, "the branch could not be packed")
    checked(read, f"the branch could not be copied (its history may have {MOST_PACK_BYTES // 1024**3} GB, packed)")


async def _heads(outside: Outside) -> dict[str, str]:
    """Where the remote's branches stand."""
    told = await outside.run("ls-remote", "--heads", "--", outside.remote, deadline_s=REMOTE_DEADLINE_S)
    checked(told, f"{outside.remote} could not be asked where its branches stand")
    heads = {}
    for line in told.output.splitlines():
        commit, _, name = line.partition("\t")
        if _ID.fullmatch(commit) and name.startswith(_HEADS):
            heads[name.removeprefix(_HEADS)] = commit
    return heads


async def _known(commits: Sequence[str], outside: Outside) -> frozenset[str]:
    """Those that the copy has."""
    asked = "".join(f"{commit}\n" for commit in commits)
    told = checked(await outside.run("cat-file", "--batch-check", given=asked), "the copy could not be read")
    found = (line.split() for line in told.output.splitlines())
    return frozenset(words[0] for words in found if len(words) == 3 and words[1] == "commit")


async def _is_ancestor(older: str, newer: str, outside: Outside) -> bool:
    done = await outside.run("merge-base", "--is-ancestor", older, newer)
    if done.code not in (0, 1):
        checked(done, "the history could not be read")
    return done.code == 0


async def _listed(wanted: Push, known: frozenset[str], outside: Outside) -> Push:
    """With what goes out."""
    history = "".join(f"{line}\n" for line in (wanted.commit, *(f"^{commit}" for commit in sorted(known))))
    counting = await outside.run("rev-list", "--count", "--stdin", given=history)
    count = checked(counting, "the history could not be read").output.strip()
    words = ("rev-list", "--stdin", f"--max-count={MOST_LISTED}", "--format=%h %s")
    listing = checked(await outside.run(*words, given=history), "the history could not be read").output
    commits = [line[:SUBJECT_CHARS] for line in listing.splitlines() if not line.startswith("commit ")]
    files = await _files(wanted, outside) if wanted.was in known else []
    return msgspec.structs.replace(
        wanted,
        commit_count=int(count) if count.isdigit() else len(commits),
        commits=tuple(commits[:MOST_LISTED]),
        file_count=len(files),
        files=tuple(line[:FILE_CHARS] for line in files[:MOST_LISTED]),
    )


async def _files(wanted: Push, outside: Outside) -> list[str]:
    words = ("diff-tree", "-r", "--no-renames", "--name-status", "--no-ext-diff", wanted.was, wanted.commit)
    told = checked(await outside.run(*words), "the changes could not be read").output
    return [line.replace("\t", " ") for line in told.splitlines()]
