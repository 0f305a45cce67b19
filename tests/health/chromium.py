"""Drives headless Chromium through a pipe, with the standard library alone.

The commands and events are those of the Chrome DevTools Protocol; keys and clicks are the browser's
own, as from a keyboard and a mouse.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
from time import monotonic

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")

OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--proxy-server=http://127.0.0.1:9", "--remote-debugging-pipe"),
)

# The browser reads commands from descriptor 3 and writes to 4.
LAUNCH = """
import os, sys
read, write, *command = sys.argv[1:]
os.dup2(int(read), 3)
os.dup2(int(write), 4)
os.execv(command[0], command)
"""

KEYS = {"Enter": (13, "\r"), "Tab": (9, ""), "ArrowDown": (40, ""), "Space": (32, " ")}

SECONDS = 60


class Browser:
    """A browser with one page; `asked` are the URLs of its requests, `errors` what went wrong."""

    def __init__(self, profile):
        ours, theirs = zip(*map(_pipe, (True, False)), strict=True)
        self._write, self._read = ours
        command = [
            *(sys.executable, "-c", LAUNCH, *map(str, theirs)),
            *(CHROMIUM, *OPTIONS, f"--user-data-dir={profile}"),
        ]
        self._process = subprocess.Popen(
            command, pass_fds=theirs, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for descriptor in theirs:
            os.close(descriptor)
        self._number, self._pending, self._session = 0, b"", None
        self.events, self.asked, self.errors = [], [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        """The result of a command."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        while (answer := self._receive()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _receive(self):
        end = monotonic() + SECONDS
        while b"\0" not in self._pending:
            ready, _, _ = select.select([self._read], [], [], max(0, end - monotonic()))
            assert ready, f"Chromium said nothing for {SECONDS} seconds"
            read = os.read(self._read, 1 << 20)
            assert read, "Chromium ended"
            self._pending += read
        message, _, self._pending = self._pending.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        method, parameters = event.get("method"), event.get("params", {})
        self.events.append(method)
        if method == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(parameters["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.errors.append(str(parameters["args"]))
        elif method == "Log.entryAdded":
            self.errors.append(parameters["entry"]["text"])

    def open(self, path, width=1280, height=900, *, dark=False):
        """Load a page, in a window of this size."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self.asked.clear()
        self.errors.clear()
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while "Page.loadEventFired" not in self.events:
            self._note(self._receive())

    def value(self, expression):
        """What a JavaScript expression gives."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, selector):
        """Press and release the left button on the middle of an element."""
        x, y = self.value(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key):
        """Press and release a key."""
        code, text = KEYS[key]
        name = " " if key == "Space" else key
        written = {"text": text} if text else {}
        for kind, more in (("keyDown", written), ("keyUp", {})):
            self.call(
                "Input.dispatchKeyEvent", type=kind, key=name, code=key,
                windowsVirtualKeyCode=code, **more,
            )  # fmt: skip

    def type(self, text):
        """Type a text."""
        for character in text:
            self.call("Input.dispatchKeyEvent", type="keyDown", key=character, text=character)
            self.call("Input.dispatchKeyEvent", type="keyUp", key=character)

    def screenshot(self, path):
        """The whole page as a PNG file."""
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        """End the browser."""
        os.close(self._write)
        os.close(self._read)
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _pipe(we_write):
    """Our end of a pipe and the browser's, which is none of the descriptors that it becomes."""
    read, write = os.pipe()
    ours, theirs = (write, read) if we_write else (read, write)
    moved = fcntl.fcntl(theirs, fcntl.F_DUPFD, 10)
    os.close(theirs)
    return ours, moved
