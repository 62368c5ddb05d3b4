"""A real browser, driven over a pipe: no port, no driver, nothing installed but Debian's chromium."""

import base64
import contextlib
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
    "--no-first-run", "--disable-extensions", "--disable-sync", "--disable-background-networking",
    "--disable-component-update", "--disable-breakpad", "--force-color-profile=srgb", "--remote-debugging-pipe",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
_ANSWER_WITHIN = 40.0  # seconds; a first start on a busy machine takes several
_END_WITHIN = 10.0
MISSING = (
    "No chromium here, and the pages are tested in a real browser: install it (on Debian `apt-get install chromium`) "
    "and run the tests again."
)


class Chromium:
    """One browser process with a profile of its own. Ends with `close`, and every process of its group with it."""

    def __init__(self, profile: Path) -> None:
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            raise FileNotFoundError(MISSING)
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        log = os.open(profile / "chromium.log", os.O_WRONLY | os.O_CREAT, 0o600)
        self.id = os.posix_spawn(
            program,
            [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            {**os.environ, "HOME": str(profile)},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2),
                (os.POSIX_SPAWN_DUP2, theirs_in, 3), (os.POSIX_SPAWN_DUP2, theirs_out, 4),
            ],
            setpgroup=0,
        )  # fmt: skip
        for end in (theirs_in, theirs_out, log):
            os.close(end)
        self._last = 0
        self._unread = b""
        self.events: list[dict[str, Any]] = []

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """One command and its answer; what happens meanwhile is kept in `events`."""
        self._last += 1
        asked = {"id": self._last, "method": method, "params": parameters}
        os.write(self._to, json.dumps(asked | ({"sessionId": session} if session else {})).encode() + b"\0")
        deadline = time.monotonic() + _ANSWER_WITHIN
        while True:
            heard = self._next(deadline)
            if heard.get("id") == self._last:
                assert "error" not in heard, f"{method}: {heard['error']}"
                answer: dict[str, Any] = heard["result"]
                return answer
            self.events.append(heard)

    def wait_for(self, method: str, session: str) -> None:
        deadline = time.monotonic() + _ANSWER_WITHIN
        while not any(each.get("method") == method and each.get("sessionId") == session for each in self.events):
            self.events.append(self._next(deadline))

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            some = os.read(self._from, 1 << 20)
            assert some, "the browser has ended"
            self._unread += some
        heard, _, self._unread = self._unread.partition(b"\0")
        told: dict[str, Any] = json.loads(heard)
        return told

    def close(self) -> None:
        os.close(self._to)  # a browser whose pipe is closed ends
        os.close(self._from)
        ended = _until(lambda: os.waitpid(self.id, os.WNOHANG) != (0, 0))
        if living(self.id):
            os.killpg(self.id, signal.SIGKILL)
        if not ended:
            os.waitpid(self.id, 0)
        assert _until(lambda: not living(self.id)), "the browser does not end"

    def open(self, file: Path, width: int = 1280, height: int = 900, like: Mapping[str, str] | None = None) -> "Page":
        """A page in a window of its own; `like` is what a reader prefers, such as a dark scheme."""
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility"):
            self.ask(f"{domain}.enable", session)
        self.ask("Emulation.setDeviceMetricsOverride", session, width=width, height=height, deviceScaleFactor=1,
                 mobile=False)  # fmt: skip
        told = [{"name": name, "value": value} for name, value in (like or {}).items()]
        self.ask("Emulation.setEmulatedMedia", session, features=told)
        self.ask("Page.navigate", session, url=file.as_uri())
        self.wait_for("Page.loadEventFired", session)
        return Page(self, target, session)


def living(group: int) -> list[int]:
    """The processes of a group; those that ended and that nobody asked after do not count."""
    found = []
    for each in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it ended just now
            state, _, its_group, *_ = each.read_text(errors="replace").rpartition(")")[2].split()
            if int(its_group) == group and state != "Z":
                found.append(int(each.parent.name))
    return found


def _until(happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _END_WITHIN
    while not happened():
        if time.monotonic() > deadline:
            return False
        select.select([], [], [], 0.05)
    return True


class Page:
    """What a test asks of an opened page."""

    def __init__(self, browser: Chromium, target: str, session: str) -> None:
        self._browser, self._target, self._session = browser, target, session

    def value(self, expression: str) -> Any:
        """Of an expression, evaluated as a developer's console does: the page's own policy stays as it is."""
        found = self._ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def screenshot(self) -> bytes:
        """What stands in the window before anybody scrolls."""
        return base64.b64decode(self._ask("Page.captureScreenshot")["data"])

    def pdf(self) -> bytes:
        """On A4, as a reader's browser prints who asks for no backgrounds."""
        found = self._ask("Page.printToPDF", paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(found["data"])

    def as_printed(self, **like: str) -> None:
        """Shows what would go on paper."""
        told = [{"name": name.replace("_", "-"), "value": value} for name, value in like.items()]
        self._ask("Emulation.setEmulatedMedia", media="print", features=told)

    def tree(self) -> list[dict[str, Any]]:
        """As a screen reader is told it."""
        nodes: list[dict[str, Any]] = self._ask("Accessibility.getFullAXTree")["nodes"]
        return [each for each in nodes if not each["ignored"]]

    @property
    def complaints(self) -> list[str]:
        """What stands in the console: errors, warnings, what the page's policy forbade."""
        named = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        return [json.dumps(each["params"]) for each in self._heard() if each["method"] in named]

    @property
    def requests(self) -> list[str]:
        return [
            each["params"]["request"]["url"] for each in self._heard() if each["method"] == "Network.requestWillBeSent"
        ]

    def close(self) -> None:
        self._browser.ask("Target.closeTarget", targetId=self._target)

    def _heard(self) -> list[dict[str, Any]]:
        return [each for each in self._browser.events if each.get("sessionId") == self._session]

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.ask(method, self._session, **parameters)
