"""What becomes of requests that nobody answers, that Claude takes back, or that are long."""

import time

from stages.backstage import ADA, backstage
from stages.playhouse import buttons, is_open, playhouse
from stages.support import awaited, until


@awaited
async def test_a_request_that_nobody_answers_expires_and_claude_is_told() -> None:
    async with backstage() as stage:
        session = stage.session("run touch x.txt\nsay So be it")
        request = await stage.asks(session)
        stage.manager.expire_requests(3600.0, time.time() - 7200)
        assert stage.live(session).requests, "an hour has not passed"
        stage.manager.expire_requests(0.001, time.time() - 7200)
        await stage.settles(session)
        assert stage.live(session).settled[request.name.seq].verdict == "expired"
        assert not (stage.project / "x.txt").exists()
        log = stage.layout.session(session.session_id).log.read_text()
        assert "Nobody answered this permission request" in log


@awaited
async def test_a_request_does_not_expire_while_discord_is_away_nor_at_once_when_it_is_back() -> None:
    async with backstage() as stage:
        session = stage.session("run touch x.txt")
        request = await stage.asks(session)
        stage.manager.expire_requests(0.001, None)
        assert stage.live(session).requests
        back_at = request.at + 5000.0
        stage.manager.clock = lambda: back_at + 1
        stage.manager.expire_requests(3600.0, back_at)
        assert not stage.manager.inbox(session.session_id), "people get a while to answer"
        stage.manager.clock = lambda: back_at + 601
        stage.manager.expire_requests(3600.0, back_at)
        assert stage.manager.inbox(session.session_id)


@awaited
async def test_zero_waits_for_ever() -> None:
    async with backstage() as stage:
        session = stage.session("run touch x.txt")
        request = await stage.asks(session)
        stage.manager.clock = lambda: request.at + 1e9
        stage.manager.expire_requests(None, 1.0)
        assert not stage.manager.inbox(session.session_id)


@awaited
async def test_an_interrupt_withdraws_the_open_request() -> None:
    async with backstage() as stage:
        session = stage.session("run touch x.txt")
        request = await stage.asks(session)
        stage.manager.interrupt(session.session_id, "stop-1", ADA.user_id)
        await stage.settles(session)
        assert stage.live(session).settled[request.name.seq].verdict == "withdrawn"
        assert not stage.manager.decide(request, "allowed", ADA)


@awaited
async def test_several_requests_may_be_open_and_are_answered_in_any_order() -> None:
    async with backstage() as stage:
        for name in ("one", "two"):
            (stage.folder / name).write_text(name)
        session = stage.session(f"parallel read {stage.folder}/one {stage.folder}/two")
        await until(lambda: len(stage.live(session).requests) == 2, "two open requests")
        first, second = stage.live(session).requests.values()
        assert stage.manager.decide(second, "allowed", ADA)
        await until(lambda: len(stage.live(session).requests) == 1, "one is left")
        assert list(stage.live(session).requests) == [first.name.seq]
        assert stage.manager.decide(first, "denied", ADA)
        await stage.settles(session)


@awaited
async def test_a_long_input_is_beside_the_card_as_a_whole_and_stays_when_it_is_settled() -> None:
    async with playhouse() as house:
        command = "true && " * 440 + "touch long.txt"
        thread = await house.starts(f"run {command}")
        card = await house.card(thread)
        assert "The whole of it is in **command.sh**" in str(card.embeds)
        (attached,) = card.attachments
        assert command in attached.upload.content.decode()
        await house.press(card, "Allow")
        await house.settled(card, "· allowed by You")
        assert card.attachments == [attached]
        await house.until((house.project / "long.txt").exists, "the command's file")


@awaited
async def test_always_allow_says_its_rule_in_words_and_holds_for_the_session() -> None:
    async with playhouse() as house:
        thread = await house.starts("run touch a.txt")
        card = await house.card(thread)
        assert "Always allow, for this session: Bash" in str(card.embeds)
        await house.press(card, "Always allow")
        await house.settled(card, "allowed always, for this session, by You")
        await house.done(thread)
        await house.you.says(thread.id, "run touch a.txt")
        await house.done(thread, 2)
        assert len([m for m in house.posts(thread) if "Show" in buttons(m)]) == 1
        assert not [m for m in house.posts(thread) if is_open(m) or m.embeds]


@awaited
async def test_edits_that_were_accepted_on_a_card_are_not_asked_about_again_also_after_a_pause() -> None:
    async with backstage() as stage:
        session = stage.session("write a.txt one\nwrite b.txt two")
        request = await stage.asks(session)
        assert request.event.modes == ("acceptEdits",)
        assert stage.manager.decide(request, "allowed", ADA, mode="acceptEdits")
        await stage.settles(session)
        assert (stage.project / "b.txt").read_text().strip() == "two"
        assert stage.live(session).admitted_mode == "acceptEdits"
        stage.manager.hibernate_idle(-1.0)
        await until(lambda: not stage.worker_pid(session), "it sleeps")
        stage.prompt(session, "write c.txt three")
        await stage.settles(session, 2)
        assert (stage.project / "c.txt").exists()
        assert len(stage.live(session).settled) == 1, "one tap"


@awaited
async def test_what_expired_is_asked_again_with_one_tap() -> None:
    async with backstage() as stage:
        session = stage.session("run touch x.txt")
        request = await stage.asks(session)
        stage.manager.expire_requests(0.001, time.time() - 7200)
        await stage.settles(session)
        assert stage.manager.let_ask_again(request.name, ADA, 1234)
        await stage.settles(session, 2)
        log = stage.layout.session(session.session_id).log.read_text()
        assert "Somebody is there now" in log and "Bash: touch x.txt" in log


@awaited
async def test_edits_that_were_accepted_are_asked_about_again_after_one_tap() -> None:
    async with playhouse() as house:
        thread = await house.starts("write a.txt one")
        await house.press(await house.card(thread), "Accept edits")
        await house.done(thread)
        line = await house.shows(thread, "as long as this line says so")
        shown = await house.you.runs("mode", {}, thread.id)
        assert shown.answer and shown.answer.message and list(buttons(shown.answer.message)) == ["Ask again"]
        refused = await house.press(line, "Ask again", house.mallory)
        assert refused.answer and "do not have the right" in refused.answer.content
        made = await house.press(line, "Ask again")
        assert made.answer and "Mode **default**" in made.answer.content
        await house.until(lambda: "Claude asks again" in line.content and not buttons(line), "the mode is over")
        await house.you.says(thread.id, "write b.txt two")
        await house.press(await house.shows(thread, "Write b.txt"), "Deny")
        await house.done(thread, 2)
        assert not (house.project / "b.txt").exists()
