"""The page in a real browser: Debian's Chromium without a window, on the whole path (real supervisor and workers).

Skipped where there is no Chromium, except where $CI is set: there it has to be installed.
"""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine

import pytest

from lab.pictures.browser import Browser, found_chromium
from playground.page.server import Page
from stages.playhouse import Playhouse, buttons, playhouse
from twins.discord.model import Channel, Json, Message

pytestmark = pytest.mark.skipif(
    not (found_chromium() or os.environ.get("CI")),
    reason="there is no chromium on the path (Debian: sudo apt-get install chromium)",
)
DEADLINE_S = 90
MONSTER_S = 3.0
DESKTOP, PHONE = (1280, 800), (390, 844)
HOSTILE = """\
<script>window.hurt = 1</script><img src=x onerror="window.hurt = 2"> [x](javascript:window.hurt=3)
<svg onload=window.hurt=4> [y](https://a.example/"onmouseover=window.hurt=5) ```html
<script>window.hurt = 6</script>
```"""
SHOWN: dict[str, str] = {
    "**a** *b* __c__ ~~d~~ `e`": "strong:a em:b u:c s:d code:e",
    "***both*** and snake_case_name": "em:both strong:both",
    "||hidden|| and \\*plain\\*": "span.spoiler:hidden",
    "# One\n## Two\n-# small": "p.h1:One p.h2:Two small.subtext:small",
    "#no heading\n####### none": "",
    "> quoted **b**\nnot": "blockquote:quoted b strong:b",
    "- a\n- b\n  - c": "ul:ab\nc li:a li:b\nc ul:c li:c",
    "3. a\n4. b": "ol:ab li:a li:b",
    "```py\nx = 1\n```\nafter": "pre:x = 1 code:x = 1 span.code-number:1",
    "```diff\n-a\n+b\n```": "pre:-a\n+b code:-a\n+b span.code-removed:-a span.code-added:\n+b",
    "**bold ```\ncode\n``` bold**": "strong:bold code bold pre:code code:code",
    "[label](https://a.example/b_(c)) https://a.example/d.": "a:label a:https://a.example/d",
    "[label](javascript:alert(1))": "",
    "<https://a.example>": "a:https://a.example",
    "- x\n  ```\n  in\n  ```": "ul:x\nin li:x\nin pre:in code:in",
}
MONSTERS = [
    "*" * 4000,
    "**_" * 1300,
    "> " * 1900 + "x",
    "[" * 4000,
    "||" * 2000 + "x",
    "- " * 2000,
    "<" * 4000,
    "`" * 3999 + "x",
]


class Stage:
    """A playhouse, its page, and a browser that shows it."""

    def __init__(self, house: Playhouse, page: Page, browser: Browser) -> None:
        self.house, self.page, self.browser = house, page, browser
        self.channel: Channel = house.host.channel

    def post(self, text: str, *parts: Json, embeds: list[Json] | None = None) -> Message:
        """As the bot, past all checks."""
        payload: Json = {"content": text, "embeds": embeds or []}
        payload["components"] = [{"type": 1, "components": [part]} for part in parts]
        return self.house.discord.world.post(self.channel, self.house.discord.bot, payload)

    async def writes(self, text: str) -> Channel:
        """Type it, send it, and wait for its thread."""
        await self.browser.click("#text")
        await self.browser.type(text)
        await self.browser.click("#send")
        everything = self.house.discord.messages
        said = await self.house.until(lambda: [m for m in everything(self.channel.id) if m.content == text], "the text")
        return await self.house.until(lambda: self.house.discord.thread_of(said[-1]), "its thread")


def on_stage(test: Callable[[Stage], Coroutine[object, object, None]], size: tuple[int, int] = DESKTOP) -> None:
    async def play() -> None:
        async with playhouse() as house, Page(house.host) as page, Browser() as browser:
            await browser.open(page.url, *size)
            await test(Stage(house, page, browser))
            assert browser.problems == []

    asyncio.run(asyncio.wait_for(play(), DEADLINE_S))


def test_one_writes_opens_the_thread_and_allows_and_mallory_is_refused() -> None:
    async def test(stage: Stage) -> None:
        browser = stage.browser
        thread = await stage.writes("run touch made.txt")
        await browser.shows("asks you", "#places")
        await browser.click(".to-thread")
        await browser.shows("run touch made.txt", "#title")
        card = await stage.house.card(thread)
        await browser.click("#who label", "Mallory")
        await browser.click(".button", "Allow")
        await browser.shows("Only you can see this")
        assert buttons(card), "nothing was decided yet"
        await browser.click(".plain", "Dismiss")
        await browser.until("!document.querySelector('.ephemeral')")
        await browser.click("#who label", "You")
        await browser.until("document.querySelector('.pinged')")
        await browser.click(".button", "Allow")
        await browser.shows("· allowed by @You")
        await browser.shows("✓ done")
        await browser.until(
            "![...document.querySelectorAll('.components .button')].some(b => !['Show', 'Diff'].includes(b.innerText))"
        )
        await browser.until("!document.querySelector('.asks')")
        assert (stage.house.project / "made.txt").exists()

    on_stage(test)


def test_on_a_phone_a_reason_is_given_in_a_form_and_the_drawer_leads_to_the_thread() -> None:
    async def test(stage: Stage) -> None:
        browser = stage.browser
        thread = await stage.writes("run touch made.txt")
        await stage.house.card(thread)
        await browser.click("#menu")
        await browser.click(".place", "↳")
        await browser.shows("↳", "#title")
        await browser.click(".button", "Deny with a reason")
        await browser.until("document.querySelector('#modal[open]')?.contains(document.activeElement)")
        await browser.type("not that file")
        await browser.click("#modal .primary", "Submit")
        await browser.shows("denied by @You: “not that file”")
        assert await browser.evaluate("document.documentElement.scrollWidth") == PHONE[0]
        assert not (stage.house.project / "made.txt").exists()

    on_stage(test, PHONE)


def test_a_slash_command_is_offered_completed_and_run_with_the_keyboard_alone() -> None:
    async def test(stage: Stage) -> None:
        browser = stage.browser
        await browser.until("document.activeElement.id === 'text'")
        await browser.type("/ne")
        await browser.shows("/new", "#offers")
        await browser.type("", "Enter")
        await browser.until("document.activeElement.id === 'option-prompt'")
        await browser.type("say by command", "Tab")
        await browser.shows(str(stage.house.project), "#command .choices")
        await browser.type("", "Enter")
        await browser.shows("You used /new")
        thread = await stage.house.until(stage.house.discord.threads, "a thread")
        await stage.house.shows(thread[0], "by command")

    on_stage(test)


def test_on_a_phone_a_command_that_is_written_out_is_run_by_the_send_button_and_never_said() -> None:
    async def test(stage: Stage) -> None:
        browser = stage.browser
        await browser.click("#text")
        await browser.type("/status")
        await browser.shows("/status", "#offers")
        await browser.click("#send")
        await browser.click("#command .primary", "Run")
        await browser.shows("You used /status")
        assert stage.house.discord.messages(stage.channel.id) == []

    on_stage(test, PHONE)


def test_own_messages_are_edited_and_deleted_and_an_answer_shows_what_it_answers() -> None:
    async def test(stage: Stage) -> None:
        browser, world = stage.browser, stage.house.discord.world
        said = await stage.house.mallory.says(stage.channel.id, "first")
        await browser.shows("first")
        await browser.shows("You do not have the right talk")  # what comes while something is clicked moves that
        await browser.evaluate("window.confirm = () => true; 0")
        await browser.click("#who label", "Mallory")
        await browser.click("#text")
        await browser.type("", "ArrowUp")
        await browser.until("document.activeElement.closest('.editor')")
        await browser.type(" and more", "Enter")
        await browser.shows("first and more (edited)")
        await browser.click(f"#m{said.id} .markdown")  # without hover, a touched message shows its tools
        await browser.click(f"#m{said.id} .tools button", "Reply")
        await browser.type("second", "Enter")
        await browser.shows("second")
        await browser.shows("↪ @Mallory")
        assert [m.reply_to for m in world.listed(stage.channel) if m.content == "second"] == [said.id]
        await browser.click(f"#m{said.id} .markdown")
        await browser.click(f"#m{said.id} .tools button", "Delete")
        await browser.shows("was deleted")
        theirs = [message for message in world.listed(stage.channel) if message.author.id == said.author.id]
        assert [message.content for message in theirs] == ["second"]

    on_stage(test)


def test_hostile_text_stays_text_everywhere() -> None:
    async def test(stage: Stage) -> None:
        browser, world = stage.browser, stage.house.discord.world
        embed = {"title": HOSTILE, "description": HOSTILE, "footer": {"text": HOSTILE}, "url": "javascript:hurt=9"}
        options = [{"label": HOSTILE[:100], "value": "v", "description": HOSTILE[:100]}]
        button = {"type": 2, "style": 1, "label": HOSTILE[:80], "custom_id": HOSTILE[:100]}
        link = {"type": 2, "style": 5, "label": "link", "url": "javascript:window.hurt=7"}
        select = {"type": 3, "custom_id": "s", "placeholder": HOSTILE[:100], "options": options}
        said = stage.post(HOSTILE, button, link, select, embeds=[embed])
        world.start_thread(said, stage.house.discord.bot, HOSTILE[:100], 1440)
        await browser.shows("<script>window.hurt = 6</script>")
        await browser.shows("<script>", "#places")
        hrefs = "[...document.querySelectorAll('#messages a')].map(a => a.protocol).filter(p => !/^https?:$/.test(p))"
        assert set(await browser.evaluate(hrefs)) <= {":"}, "a link without an address leads nowhere"
        assert await browser.evaluate("document.querySelectorAll('#messages script, #messages svg').length") == 0
        assert await browser.evaluate("document.querySelectorAll('#messages img').length") == 0
        await browser.click("#messages a", "link")
        assert await browser.evaluate("window.hurt ?? null") is None
        assert browser.problems == []
        refused = await browser.evaluate(
            "(() => { try { document.body.innerHTML = '<b>'; } catch (e) { return e.name } })()"
        )
        assert refused == "TypeError", "the policy forbids to make elements from text"
        browser.problems.clear()

    on_stage(test)


def test_markdown_looks_as_discord_shows_it() -> None:
    async def test(stage: Stage) -> None:
        seen = {text: await elements(stage.browser, text) for text in SHOWN}
        assert seen == SHOWN

    on_stage(test)


def test_monstrous_markdown_is_shown_whole_and_soon() -> None:
    async def test(stage: Stage) -> None:
        loop = asyncio.get_running_loop()
        for text in MONSTERS:
            began = loop.time()
            await elements(stage.browser, text)
            assert loop.time() - began < MONSTER_S, text[:10]

    on_stage(test)


async def elements(browser: Browser, text: str) -> str:
    """`name.class:text` of each element that the text becomes, outermost first."""
    script = f"""(async () => {{
        const {{ markdown }} = await import("/markdown.js");
        const box = document.createElement("div");
        box.append(...markdown({json.dumps(text)}, {{ user: (id) => id, channel: (id) => id }}));
        const name = (e) => e.tagName.toLowerCase() + (e.className ? "." + e.className.split(" ").at(-1) : "");
        const found = [...box.querySelectorAll("*")].filter((e) => e.className !== "inside");
        return found.map((e) => name(e) + ":" + e.textContent).join(" ");
    }})()"""
    return str(await browser.evaluate(script))


def test_the_place_in_the_list_stays_when_something_new_comes() -> None:
    async def test(stage: Stage) -> None:
        browser = stage.browser
        for number in range(40):
            stage.post(f"post {number}")
        await browser.shows("post 39")
        place = "document.querySelector('#log').scrollTop"
        await browser.until(f"{place} > 300")
        await browser.evaluate(f"{place} = 200")
        await browser.until("!document.querySelector('#jump').hidden")
        stage.post("the newest")
        await browser.shows("1 new", "#jump")
        assert await browser.evaluate(place) == 200
        await browser.click("#jump")
        await browser.until("document.querySelector('#jump').hidden")
        stage.post("line\n" * 30)
        log = "document.querySelector('#log')"
        await browser.until(f"document.querySelectorAll('.message').length === 42 && {log}")
        await browser.until(f"{log}.scrollHeight - {log}.scrollTop - {log}.clientHeight < 2")

    on_stage(test)


def test_one_attaches_files_and_sees_them_and_what_claude_sends_back() -> None:
    async def test(stage: Stage) -> None:
        browser = stage.browser
        (stage.house.project / "notes.txt").write_text("made by Claude")
        await browser.until(
            """(() => {
              const canvas = document.createElement("canvas");
              canvas.width = canvas.height = 40;
              const bytes = Uint8Array.from(atob(canvas.toDataURL().split(",")[1]), (c) => c.charCodeAt(0));
              const files = new DataTransfer();
              files.items.add(new File([bytes], "shot.png", { type: "image/png" }));
              files.items.add(new File(["a,b\\n1,2\\n"], "data.csv", { type: "text/csv" }));
              document.querySelector("#files").files = files.files;
              document.querySelector("#files").dispatchEvent(new Event("change"));
              return true;
            })()"""
        )
        await browser.shows("File: shot.png", "#about")
        thread = await stage.writes("send file notes.txt | For you")
        await browser.until("document.querySelector('#messages a.image img')?.naturalWidth === 40")
        await browser.shows("data.csv", "#messages .file")
        await stage.house.done(thread)
        await browser.click(".to-thread")
        await browser.shows("For you")
        await browser.shows("made by Claude")
        await browser.until("!document.body.innerText.includes('[object')")
        assert [a.upload.content[:4] for m in stage.house.posts(thread) for a in m.attachments] == [b"made"]

    on_stage(test)


def test_on_a_phone_questions_are_answered_with_menus_and_ones_own_words() -> None:
    async def test(stage: Stage) -> None:
        browser = stage.browser
        asked = "question Which cache? | Redis = a server | Memory || Which routes? (several) | /a | /b"
        thread = await stage.writes(asked)
        await stage.house.card(thread)
        await browser.evaluate(f"location.hash = '#{thread.id}'; location.reload()")
        await browser.click("details.select summary", "1 · Which cache")
        await browser.click("details.select .option", "2. Memory")
        await browser.shows("Send answers (1 of 2)")
        await browser.click(".button", "Other…")
        await browser.until("document.querySelector('#modal[open]')")
        fields = "document.querySelectorAll('#modal textarea, #modal input[type=text]')"
        await browser.evaluate(f"{fields}[1].focus()")
        await browser.type("only /users")
        await browser.click("#modal .primary", "Submit")
        await browser.shows("Send answers (2 of 2)")
        await browser.click(".button", "Send answers")
        await browser.until("!document.querySelector('.components .button')")
        await browser.shows("only /users")
        await browser.shows("✓ done")

    on_stage(test, PHONE)


# --- the bridge, killed and started again ----------------------------------------------------------------


def test_on_a_phone_the_first_screen_offers_what_to_try_and_says_who_one_is() -> None:
    async def test(stage: Stage) -> None:
        browser = stage.browser
        await browser.shows("A thread is a session", "#welcome")
        await browser.shows("talk, decide, manage", "#as")
        assert await browser.evaluate("document.querySelectorAll('#prompts button').length") == 3
        await browser.click("#prompts button", "write notes.txt")
        await browser.until("document.querySelector('#welcome').hidden")
        said = stage.house.discord.messages(stage.channel.id)[0]
        thread = await stage.house.until(lambda: stage.house.discord.thread_of(said), "its thread")
        await stage.house.card(thread)
        await browser.click("#as")
        await browser.click("#who label", "Mallory")
        await browser.click("#close")
        await browser.shows("no rights", "#as")

    on_stage(test, PHONE)


def test_on_a_phone_the_bridge_is_killed_claude_works_on_and_its_thread_has_all_of_it_afterwards() -> None:
    async def test(stage: Stage) -> None:
        browser, house = stage.browser, stage.house
        await house.you.says(stage.channel.id, "say one\nsleep 4\nsay two")
        said = house.discord.messages(stage.channel.id)[0]
        thread = await house.until(lambda: house.discord.thread_of(said), "its thread")
        await house.shows(thread, "one")
        await browser.click("#menu")
        await browser.shows("runs", "#bridge-state")
        await browser.click("#bridge-act", "Kill the bridge")
        await browser.shows("the supervisor was killed", "#broken")
        await browser.click("#close")
        assert "two" not in house.text(thread)
        await browser.click("#broken button", "Start it again")
        await house.shows(thread, "two")
        await house.done(thread)
        await browser.until("document.querySelector('#broken').hidden")

    on_stage(test, PHONE)
