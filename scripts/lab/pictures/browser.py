"""Debian's Chromium without a window, driven with the DevTools protocol: to test the page, and to take its pictures.

Source: https://chromedevtools.github.io/devtools-protocol/ (Page, Runtime, Input, Emulation, Log).

    async with Browser() as browser:
        await browser.open(page.url, 390, 844)
        await browser.click("#send")
"""

import asyncio
import base64
import contextlib
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

import aiohttp

PROGRAMS = ("chromium", "chromium-browser")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-port=0",
)
START_S = 30.0
STEP_S = 15.0
LOOK_INTERVAL_S = 0.03
_KEYS: Mapping[str, tuple[str, int]] = {"Enter": ("\r", 13), "Escape": ("", 27), "Tab": ("", 9), "ArrowUp": ("", 38)}


class NotSeenError(AssertionError):
    """What the page was to show did not come."""


def found_chromium() -> str | None:
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


class Browser:
    """One browser with one page. `problems` are errors of scripts and what the content policy refused."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._leave = contextlib.AsyncExitStack()
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._serial = 0

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            folder = await stack.enter_async_context(_temporary())
            await stack.enter_async_context(_running(folder))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            self._socket = await session.ws_connect(await _address(session, folder), max_msg_size=0)
            stack.push_async_callback(self._socket.close)
            reading = asyncio.ensure_future(self._read(self._socket))
            stack.callback(reading.cancel)
            for domain in ("Page", "Runtime", "Log"):
                await self.call(f"{domain}.enable")
            self._leave = stack.pop_all()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._leave.aclose()

    # --- looking

    async def open(self, url: str, width: int, height: int) -> None:
        """Go there, in a window of that size; a narrow one is a phone's, with touch."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.call("Emulation.setDeviceMetricsOverride", size)
        await self.call("Emulation.setTouchEmulationEnabled", {"enabled": width < 600})
        await self.call("Page.navigate", {"url": url})
        await self.until("document.querySelector('#title')?.textContent")

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; promises are awaited. Raises NotSeenError when it throws."""
        asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
        answer = await self.call("Runtime.evaluate", asked)
        if problem := answer.get("exceptionDetails"):
            raise NotSeenError(f"{expression}: {problem['exception'].get('description', problem['text'])}")
        return answer["result"].get("value")

    async def until(self, expression: str, deadline_s: float = STEP_S) -> Any:
        """Wait for the expression to be true, and return it. Raises NotSeenError with what the page shows."""
        give_up_at = asyncio.get_running_loop().time() + deadline_s
        while not (found := await self.evaluate(f"(v => v instanceof Node || v)({expression})")):
            if asyncio.get_running_loop().time() > give_up_at:
                shown = await self.evaluate("document.body.innerText")
                raise NotSeenError(f"not within {deadline_s} s: {expression}\n{shown}\n{self.problems}")
            await asyncio.sleep(LOOK_INTERVAL_S)
        return found

    async def text(self, selector: str = "#messages") -> str:
        return str(await self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    async def shows(self, text: str, selector: str = "#messages") -> None:
        await self.until(f"document.querySelector({json.dumps(selector)})?.innerText.includes({json.dumps(text)})")

    async def picture(self, path: Path) -> None:
        """A PNG of the window."""
        made = await self.call("Page.captureScreenshot", {"format": "png"})
        await asyncio.to_thread(path.write_bytes, base64.b64decode(made["data"]))

    # --- acting, with real input events

    async def click(self, selector: str, text: str = "") -> None:
        """Click the last element that fits and is shown, when nothing covers it.

        With `text`, one whose text is just that, else one whose text begins so.
        """
        wanted = (
            f"((all, text) => all.filter(e => e.textContent.trim() === text).at(-1) ?? all.at(-1))"
            f"([...document.querySelectorAll({json.dumps(selector)})].filter(e => e.getClientRects().length"
            f" && e.textContent.trim().startsWith({json.dumps(text)})), {json.dumps(text)})"
        )
        where = (
            "(e => { if (!e) return null; e.scrollIntoView({block: 'nearest'}); const r = e.getBoundingClientRect();"
            " const x = r.x + r.width / 2, y = r.y + r.height / 2;"
            f" return e.contains(document.elementFromPoint(x, y)) && [x, y]; }})({wanted})"
        )
        place = None
        while place != (place := await self.until(where)):  # noqa: ASYNC110 - what moves is waited for
            await asyncio.sleep(LOOK_INTERVAL_S)
        x, y = place
        for kind in ("mousePressed", "mouseReleased"):
            event = {"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}
            await self.call("Input.dispatchMouseEvent", event)

    async def type(self, text: str, *keys: str) -> None:
        """Type into what has the focus, then press keys: Enter, Escape, Tab, ArrowUp."""
        if text:
            await self.call("Input.insertText", {"text": text})
        for key in keys:
            await self.press(key)

    async def press(self, key: str) -> None:
        text, code = _KEYS[key]
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        await self.call("Input.dispatchKeyEvent", {"type": "keyDown", "text": text, **common})
        await self.call("Input.dispatchKeyEvent", {"type": "keyUp", **common})

    # --- the protocol

    async def call(self, method: str, parameters: Mapping[str, object] | None = None) -> dict[str, Any]:
        """One command. Raises NotSeenError when it is refused."""
        assert self._socket is not None
        self._serial += 1
        future = asyncio.get_running_loop().create_future()
        self._answers[self._serial] = future
        await self._socket.send_json({"id": self._serial, "method": method, "params": parameters or {}})
        async with asyncio.timeout(STEP_S):
            answer: dict[str, Any] = await future
        if "error" in answer:
            raise NotSeenError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for frame in socket:
            told = json.loads(frame.data)
            if "id" in told:
                future = self._answers.pop(told["id"])
                if not future.done():
                    future.set_result(told)
            else:
                self._notice(told["method"], told["params"])

    def _notice(self, method: str, told: Mapping[str, Any]) -> None:
        match method:
            case "Runtime.exceptionThrown":
                details = told["exceptionDetails"]
                self.problems.append(str(details.get("exception", {}).get("description", details["text"])))
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.problems.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
            case "Page.javascriptDialogOpening":
                self.problems.append(f"a dialog: {told['message']}")


@contextlib.asynccontextmanager
async def _temporary() -> AsyncIterator[Path]:
    folder = tempfile.mkdtemp(prefix="tb-chromium-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def _running(folder: Path) -> AsyncIterator[None]:
    """Chromium in a process group of its own, which is ended as a whole."""
    program = found_chromium()
    if program is None:
        raise NotSeenError("there is no chromium on the path")
    quiet = asyncio.subprocess.DEVNULL
    argv = [program, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = await asyncio.create_subprocess_exec(*argv, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _address(session: aiohttp.ClientSession, folder: Path) -> str:
    """The websocket of the page: the browser writes its port into the folder when it listens."""
    told = folder / "DevToolsActivePort"
    async with asyncio.timeout(START_S):
        while not (told.exists() and told.read_text().count("\n")):  # noqa: ASYNC110 - a file of another process
            await asyncio.sleep(LOOK_INTERVAL_S)
        port = told.read_text().splitlines()[0]
        while True:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as response:
                pages = [target for target in await response.json() if target["type"] == "page"]
            if pages:
                return str(pages[0]["webSocketDebuggerUrl"])
            await asyncio.sleep(LOOK_INTERVAL_S)
