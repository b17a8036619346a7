"""Claude has a branch pushed: shown, allowed, and pushed from outside of its walls, as the user."""

import os
import signal
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.push import PUSH_TOOL
from playground.host import claude as host_claude
from playground.host.claude import Chosen
from playground.host.place import Place
from stages.backstage import ADA, CHANNEL_ID
from stages.playhouse import buttons, playhouse
from stages.pushed import Bench, bench, commit, git, with_remote
from stages.support import awaited, until

# --- the ordinary way --------------------------------------------------------------------------------


@awaited
async def test_the_card_shows_what_goes_out_and_only_what_is_allowed_does() -> None:
    async with bench() as it:
        before, after = it.at(), commit(it.project, "second", "third")
        session = it.stage.session("push main")
        request, push = await it.card(session)
        assert (push.remote, push.branch, push.to) == (str(it.remote), "main", "main")
        assert (push.was, push.commit, push.force) == (before, after, False)
        assert [line.partition(" ")[2] for line in push.commits] == ["third", "second"]
        assert push.files == ("A second.txt", "A third.txt")
        commit(it.project, "fourth")
        assert it.at() == before, "nothing goes out before it is allowed"
        assert it.stage.manager.decide(request, "allowed", ADA, always=True)
        settled = await it.stage.settles(session)
        assert it.at() == after, "what was shown, not what came since"
        assert not settled.settled[request.name.seq].always
        assert it.log(session).count("Pushed main") == 2, "the thread is told, and Claude"
        assert not (it.stage.layout.session(session.session_id).folder / "push").exists()


@awaited
async def test_a_new_branch_another_name_and_a_forced_push_say_so() -> None:
    async with bench() as it:
        git(it.project, "checkout", "-q", "-b", "topic")
        after = commit(it.project, "second")
        session = it.stage.session("push topic to review")
        request, push = await it.card(session)
        assert (push.branch, push.to, push.was, push.commit_count) == ("topic", "review", "", 1)
        assert it.stage.manager.decide(request, "allowed", ADA)
        await it.stage.settles(session)
        assert (it.at("review"), it.at("topic")) == (after, "")
        git(it.project, "commit", "-q", "--amend", "-m", "other")
        assert "force_with_lease" in await it.refused("push topic to review")
        session = it.stage.session("push topic to review forced")
        request, push = await it.card(session)
        assert push.force and push.was == after
        assert it.stage.manager.decide(request, "allowed", ADA)
        await it.stage.settles(session)
        assert it.at("review") == git(it.project, "rev-parse", "topic")


@awaited
async def test_a_forced_push_replaces_only_what_the_card_showed() -> None:
    async with bench() as it:
        git(it.project, "commit", "-q", "--amend", "-m", "other")
        session = it.stage.session("push main forced")
        request, _ = await it.card(session)
        other = it.stage.folder / "other"
        git(it.stage.folder, "clone", "-q", str(it.remote), str(other))
        theirs = commit(other, "meanwhile")
        git(other, "push", "-q", "origin", "main")
        assert it.stage.manager.decide(request, "allowed", ADA)
        await it.stage.settles(session)
        assert it.at() == theirs
        assert "was not pushed" in it.log(session)


@awaited
async def test_what_is_denied_or_expires_is_not_pushed_and_claude_is_told() -> None:
    async with bench() as it:
        before, _ = it.at(), commit(it.project, "second")
        session = it.stage.session("push main")
        request, _ = await it.card(session)
        assert it.stage.manager.decide(request, "denied", ADA, reason="not on a Friday")
        await it.stage.settles(session)
        assert "Not pushed: not on a Friday" in it.log(session)
        it.stage.prompt(session, "push main")
        request, _ = await it.card(session)
        it.stage.manager.expire_requests(0.001, 1.0)
        settled = await it.stage.settles(session, 2)
        assert settled.settled[request.name.seq].verdict == "expired"
        assert it.at() == before


@pytest.mark.parametrize("mode", ["bypassPermissions", "acceptEdits", "dontAsk", "plan"])
@awaited
async def test_no_permission_mode_leads_around_the_card(mode: str) -> None:
    async with bench(permission_mode=mode, bypass_permissions=mode == "bypassPermissions") as it:
        before, after = it.at(), commit(it.project, "second")
        session = it.stage.session("push main")
        request, _ = await it.card(session)
        assert it.at() == before
        assert it.stage.manager.decide(request, "allowed", ADA)
        await it.stage.settles(session)
        assert it.at() == after


@awaited
async def test_an_interrupt_withdraws_the_card_and_a_later_push_has_its_own() -> None:
    async with bench() as it:
        before, after = it.at(), commit(it.project, "second")
        session = it.stage.session("push main")
        first, _ = await it.card(session)
        it.stage.manager.interrupt(session.session_id, "stop-1", ADA.user_id)
        settled = await it.stage.settles(session)
        assert settled.settled[first.name.seq].verdict == "withdrawn"
        it.stage.prompt(session, "push main")
        second, _ = await it.card(session)
        assert not it.stage.manager.decide(first, "allowed", ADA)
        assert it.at() == before
        assert it.stage.manager.decide(second, "allowed", ADA)
        await it.stage.settles(session, 2)
        assert it.at() == after


@pytest.mark.parametrize(("containment", "wish"), [("project", "off"), ("none", "ask")])
@awaited
async def test_where_it_is_not_asked_for_there_is_no_such_tool(containment: str, wish: str) -> None:
    async with bench(containment) as it:
        channel = it.stage.config.channels[CHANNEL_ID]
        it.stage.config.channels[CHANNEL_ID] = msgspec.structs.replace(channel, git_push=wish)
        commit(it.project, "second")
        session = it.stage.session("push main")
        request = await it.stage.asks(session)
        assert request.event.tool != PUSH_TOOL, "it is the CLI that asks, as for any tool"
        assert it.stage.manager.decide(request, "allowed", ADA)
        await it.stage.settles(session)
        assert "there is no tool 'git_push'" in it.log(session)


@awaited
async def test_an_ssh_remote_is_reached_with_the_users_own_ssh_and_without_a_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n[ -t 0 ] || for last; do :; done; exec sh -c "$last"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    monkeypatch.setenv("GIT_SSH_VARIANT", "simple")
    async with bench() as it:
        git(it.project, "remote", "set-url", "origin", f"ssh://git:hunter2@git.example{it.remote}")
        after = commit(it.project, "second")
        said = await it.allowed("push main")
        assert f"to main of ssh://git@git.example{it.remote}" in said and "hunter2" not in said
        assert it.at() == after
        asked, pushed = (tmp_path / "calls").read_text().splitlines()
        assert asked == f"git@git.example git-upload-pack '{it.remote}'"
        assert pushed == f"git@git.example git-receive-pack '{it.remote}'"


@awaited
async def test_a_remote_that_cannot_be_reached_is_told_without_the_password_in_its_url() -> None:
    async with bench() as it:
        git(it.project, "remote", "set-url", "origin", "https://ada:hunter2@127.0.0.1:9/app")
        commit(it.project, "second")
        said = await it.refused("push main")
        assert "https://127.0.0.1:9/app could not be asked" in said and "hunter2" not in said


@pytest.mark.parametrize("what", ["claude", "the worker"])
@awaited
async def test_a_push_that_dies_on_its_way_is_not_said_to_have_failed(what: str) -> None:
    async with bench() as it:
        commit(it.project, "second")
        hook = it.remote / "hooks/pre-receive"
        hook.write_text(f"#!/bin/sh\ntouch {it.stage.folder}/begun\nexec sleep 20\n")
        hook.chmod(0o755)
        session = it.stage.session("push main")
        request, _ = await it.card(session)
        assert it.stage.manager.decide(request, "allowed", ADA)
        await until((it.stage.folder / "begun").exists, "the push is on its way")
        live = it.stage.live(session)
        os.kill(live.child_pid if what == "claude" else live.worker_pid, signal.SIGKILL)
        await until(lambda: '"TurnEnded"' in it.log(session), "the end of the turn")
        said = it.log(session)
        assert "Not pushed" not in said and "Pushed main" not in said
        assert "Perhaps pushed" in said if what == "claude" else '"unknown":true' in said


# --- the whole path ----------------------------------------------------------------------------------


def asking(place: Place) -> Chosen:
    with_remote(place.project, place.root / "remote.git")
    commit(place.project, "second")
    return msgspec.structs.replace(host_claude.scripted(place.home), git_push="ask")


@awaited
async def test_in_discord_only_the_own_thread_and_an_allowed_person_decide() -> None:
    async with playhouse(asking) as house:
        remote, before = house.host.place.root / "remote.git", git(house.project, "rev-parse", "main~1")
        thread, other = await house.starts("push main"), await house.starts("say hello")
        card = await house.card(thread)
        shown = card.content + str(card.embeds)
        assert "Push to main" in shown and str(remote) in shown and "second" in shown and "1 commit:" in shown
        assert "Always allow" not in buttons(card)
        refused = await house.press(card, "Allow", house.mallory)
        assert refused.answer and refused.answer.ephemeral
        forged = house.discord.forge_click(other.id, buttons(card)["Allow"], house.you.user, card.id)
        await house.until(lambda: forged.answer, "an answer to the forged click")
        assert git(remote, "rev-parse", "main") == before
        await house.press(card, "Allow")
        await house.settled(card, "· allowed by You")
        await house.shows(thread, "Pushed main")
        assert git(remote, "rev-parse", "main") == git(house.project, "rev-parse", "main")


@awaited
async def test_a_card_outlives_the_supervisor() -> None:
    async with playhouse(asking) as house:
        remote = house.host.place.root / "remote.git"
        thread = await house.starts("push main")
        card = await house.card(thread)
        await house.restarts()
        await house.press(card, "Allow")
        await house.settled(card, "· allowed by You")
        await house.shows(thread, "Pushed main")
        assert git(remote, "rev-parse", "main") == git(house.project, "rev-parse", "main")


# --- what a child could try --------------------------------------------------------------------------


def canary(project: Path, folder: Path) -> str:
    """A program that leaves a trace outside of the walls, and inside of them."""
    script = project / "canary.sh"
    script.write_text(f"#!/bin/sh\ntouch {folder}/canary {project}/canary\n")
    script.chmod(0o755)
    return str(script)


def poisoned(it: Bench) -> None:
    """All that a configuration and hooks can start when somebody pushes."""
    program = canary(it.project, it.stage.folder)
    hooks = it.project / "hooks"
    hooks.mkdir()
    for folder in (hooks, it.project / ".git/hooks"):
        for hook in ("pre-push", "reference-transaction", "post-index-change", "pre-auto-gc"):
            (folder / hook).unlink(missing_ok=True)
            (folder / hook).symlink_to(program)
    (it.project / "more").write_text(f"[core]\n\tpager = {program}\n")
    for key, value in {
        "core.hooksPath": str(hooks),
        "core.fsmonitor": program,
        "core.sshCommand": program,
        "core.askPass": program,
        "core.gitProxy": program,
        "core.alternateRefsCommand": program,
        "core.pager": program,
        "core.editor": program,
        "credential.helper": f"!{program}",
        "gpg.program": program,
        "push.gpgSign": "true",
        "push.recurseSubmodules": "on-demand",
        "uploadpack.packObjectsHook": program,
        "remote.origin.receivepack": program,
        "remote.origin.uploadpack": program,
        "remote.origin.vcs": "ext",
        "include.path": str(it.project / "more"),
        "protocol.allow": "always",
        "protocol.ext.allow": "always",
        "diff.external": program,
        "http.proxy": "http://127.0.0.1:1",
        f"url.ext::{program} .pushInsteadOf": str(it.remote),
        f"url.ext::{program}  .insteadOf": str(it.remote),
        "extensions.partialClone": "origin",
        "remote.origin.promisor": "true",
    }.items():
        git(it.project, "config", key, value)


@awaited
async def test_nothing_of_the_projects_configuration_and_hooks_acts() -> None:
    async with bench() as it:
        after = commit(it.project, "second")
        poisoned(it)
        assert "Pushed main" in await it.allowed("push main")
        assert it.at() == after
        assert not (it.stage.folder / "canary").exists() and not (it.project / "canary").exists()
        git(it.project, "push", "origin", "main", may_fail=True)
        assert (it.stage.folder / "canary").exists(), "the user's own git push would have run it"


@awaited
async def test_a_remote_that_is_changed_later_counts_for_nothing() -> None:
    async with bench() as it:
        evil = it.stage.folder / "evil.git"
        evil.mkdir()
        git(evil, "init", "-q", "--bare")
        session = await it.stage.settles(it.stage.session("say hello"))
        git(it.project, "remote", "set-url", "origin", str(evil))
        git(it.project, "config", f"remote.{it.remote}.url", str(evil))
        after = commit(it.project, "second")
        it.stage.prompt(session, "push main")
        request, push = await it.card(session)
        assert push.remote == str(it.remote)
        assert it.stage.manager.decide(request, "allowed", ADA)
        await it.stage.settles(session, 2)
        assert it.at() == after
        assert git(evil, "for-each-ref") == ""


def secret_of(it: Bench) -> tuple[Path, str]:
    """Another repository of the user's, and its commit, whose id the child may know."""
    other = it.stage.folder / "other"
    other.mkdir()
    git(other, "init", "-q")
    return other, commit(other, "secret")


def lead_by_alternates(project: Path, other: Path, secret: str) -> None:
    (project / ".git/objects/info/alternates").write_text(f"{other}/.git/objects\n")
    (project / ".git/refs/heads/leak").write_text(f"{secret}\n")


def lead_by_links_to_objects(project: Path, other: Path, secret: str) -> None:
    for file in (other / ".git/objects").glob("??/*"):
        (project / ".git/objects" / file.parent.name).mkdir(exist_ok=True)
        (project / ".git/objects" / file.parent.name / file.name).symlink_to(file)
    (project / ".git/refs/heads/leak").write_text(f"{secret}\n")


def lead_by_a_ref_that_is_a_link(project: Path, other: Path, secret: str) -> None:
    lead_by_alternates(project, other, secret)
    (project / ".git/refs/heads/leak").unlink()
    (project / ".git/refs/heads/leak").symlink_to(other / ".git/refs/heads/main")


def lead_by_the_git_directory(project: Path, other: Path, secret: str) -> None:
    (project / ".git").rename(project / "old")
    (project / ".git").symlink_to(other / ".git")
    git(other, "branch", "leak", secret)


def lead_by_a_git_file(project: Path, other: Path, secret: str) -> None:
    (project / ".git").rename(project / "old")
    (project / ".git").write_text(f"gitdir: {other}/.git\n")
    git(other, "branch", "leak", secret)


def lead_by_a_common_directory(project: Path, other: Path, secret: str) -> None:
    (project / ".git/commondir").write_text(f"{other}/.git\n")
    git(other, "branch", "leak", secret)


LEADS = [
    lead_by_alternates,
    lead_by_links_to_objects,
    lead_by_a_ref_that_is_a_link,
    lead_by_the_git_directory,
    lead_by_a_git_file,
    lead_by_a_common_directory,
]


@awaited
async def test_what_leads_to_another_repository_takes_nothing_out_of_it() -> None:
    async with bench() as it:
        other, secret = secret_of(it)
        for lead in LEADS:
            project = it.stage.folder / lead.__name__
            git(it.stage.folder, "clone", "-q", str(it.remote), str(project))
            session = it.stage.session("say hello", project)
            await it.stage.settles(session)
            lead(project, other, secret)
            it.stage.prompt(session, "push leak")
            settled = await it.stage.settles(session, 2)
            assert not settled.settled, lead.__name__
            assert "Not pushed: " in it.log(session), lead.__name__
            assert git(project, "rev-parse", "leak") == secret, f"outside {lead.__name__} would lead there"
            git(other, "branch", "-D", "leak", may_fail=True)
        assert git(it.remote, "for-each-ref", "--format=%(refname)") == "refs/heads/main"
        assert git(it.remote, "cat-file", "--batch-check", "--batch-all-objects").count("commit") == 1


@awaited
async def test_a_remote_on_this_machine_where_claude_may_write_is_refused() -> None:
    async with bench() as it:
        inside = it.project / "evil.git"
        inside.mkdir()
        git(inside, "init", "-q", "--bare")
        (inside / "hooks/pre-receive").symlink_to(canary(it.project, it.stage.folder))
        git(it.project, "remote", "set-url", "origin", str(inside))
        commit(it.project, "second")
        assert "lies where Claude may write" in await it.refused("push main")
        assert not (it.stage.folder / "canary").exists()


@awaited
async def test_a_remote_whose_path_became_a_link_is_refused() -> None:
    async with bench() as it:
        commit(it.project, "second")
        session = await it.stage.settles(it.stage.session("say hello"))
        it.remote.rename(it.stage.folder / "moved.git")
        it.remote.symlink_to("moved.git")
        it.stage.prompt(session, "push main")
        settled = await it.stage.settles(session, 2)
        assert not settled.settled
        assert "through a link" in it.log(session)


@pytest.mark.parametrize("name", ["--mirror", "+main", "main:other", "refs/heads/main", "HEAD", "nothing-like-it"])
@awaited
async def test_a_name_that_is_no_branchs_is_refused(name: str) -> None:
    async with bench() as it:
        commit(it.project, "second")
        await it.refused(f"push {name}")


@awaited
async def test_a_shallow_clone_is_refused_in_words() -> None:
    async with bench() as it:
        commit(it.project, "second")
        git(it.project, "push", "-q", "origin", "main")
        shallow = it.stage.folder / "shallow"
        git(it.stage.folder, "clone", "-q", "--depth=1", f"file://{it.remote}", str(shallow))
        commit(shallow, "third")
        session = await it.stage.settles(it.stage.session("push main", shallow))
        assert "shallow clone" in it.log(session)
