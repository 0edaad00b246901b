"""Drives a Chromium over its pipe for developers (DevTools protocol, NUL between messages): no
package and no port are needed. `find` says where one is, if there is one.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
# Nothing of it goes to the network but to the server under test.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
]
PATIENCE_S = 120


def find():
    """The program, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """One window with one page. What it complained about is in `complaints`."""

    def __init__(self, program, more=()):
        self.folder = tempfile.TemporaryDirectory(prefix="openassay-chromium-")
        to_read, self.to_browser = os.pipe()
        self.from_browser, to_write = os.pipe()

        def take_pipes():
            # Chromium reads from 3 and writes to 4; first both away from there.
            read, write = os.dup(to_read), os.dup(to_write)
            os.dup2(read, 3)
            os.dup2(write, 4)

        self.process = subprocess.Popen(
            [program, *FLAGS, *more, f"--user-data-dir={self.folder.name}", "about:blank"],
            preexec_fn=take_pipes,
            close_fds=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self.buffer, self.last, self.session = b"", 0, None
        self.complaints, self.asking, self.cancelled, self.saving = [], {}, [], {}
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ["Page", "Runtime", "Log", "DOM", "Network"]:
            self.send(f"{domain}.enable")
        self.saved = Path(self.folder.name) / "saved"
        saving = {"behavior": "allowAndName", "downloadPath": str(self.saved)}
        self.send("Browser.setDownloadBehavior", eventsEnabled=True, **saving)

    def send(self, method, **params):
        """Asks for something and waits for the answer; events on the way are looked at."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.note(answer)

    def receive(self, deadline):
        while b"\0" not in self.buffer:
            wait = deadline - time.monotonic()
            if wait <= 0 or not select.select([self.from_browser], [], [], wait)[0]:
                raise TimeoutError("the browser does not answer")
            piece = os.read(self.from_browser, 1 << 20)
            if not piece:
                raise EOFError("the browser has ended")
            self.buffer += piece
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        method, params = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            said = details.get("exception", {}).get("description") or details["text"]
            self.complaints.append(f"exception: {said}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            words = [str(one.get("value", one.get("description"))) for one in params["args"]]
            self.complaints.append(f"{params['type']}: {' '.join(words)}")
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            entry = params["entry"]
            self.complaints.append(f"{entry['level']}: {entry['text']} {entry.get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.asking[params["requestId"]] = params["request"]["url"]
            self.asked(params["request"]["url"])
        elif method == "Network.loadingFailed" and params["canceled"]:
            self.cancelled.append(self.asking.get(params["requestId"]))
        elif method == "Browser.downloadWillBegin":
            self.saving[params["guid"]] = {"name": params["suggestedFilename"], "state": "begun"}
        elif method == "Browser.downloadProgress" and params["guid"] in self.saving:
            self.saving[params["guid"]]["state"] = params["state"]

    def asked(self, url):
        """Called with every address that the page asks for."""

    def evaluate(self, expression):
        """The value of an expression in the page."""
        answer = self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression, what):
        """Waits until an expression in the page is true, and gives it."""
        return self.wait_until(lambda: self.evaluate(expression), what)

    def wait_until(self, ready, what):
        """Waits until a function that asks the page gives something, and gives it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            value = ready()
            if value:
                return value
            time.sleep(0.05)
        page = self.evaluate("document.body.innerText")
        raise TimeoutError(f"{what} does not come; the page says:\n{page}\n{self.complaints}")

    def wait_for_file(self, act):
        """Does something that saves a file, waits for it and gives its name and bytes."""
        before = set(self.saving)
        act()

        def whole():
            # Events are looked at on the way.
            self.evaluate("0")
            new = [one for one in self.saving if one not in before]
            return next((one for one in new if self.saving[one]["state"] == "completed"), None)

        found = self.wait_until(whole, "a saved file")
        return self.saving[found]["name"], (self.saved / found).read_bytes()

    def hold(self, pattern):
        """Requests to such addresses do not go out."""
        self.send("Fetch.enable", patterns=[{"urlPattern": pattern}])

    def release(self):
        """They do again."""
        self.send("Fetch.disable")

    def open(self, url):
        self.send("Page.navigate", url=url)

    def look(self, width, dark):
        """Gives the window a width and the reader a liking."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.send("Emulation.setEmulatedMedia", features=features)

    def drop(self, selector, files):
        """Drops files on an element."""
        place = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        x, y = self.evaluate(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({place})")
        data = {"items": [], "files": [os.path.abspath(file) for file in files]}
        data["dragOperationsMask"] = 1
        for kind in ["dragEnter", "dragOver", "drop"]:
            self.send("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)
        # So that the pointer does not rest on the place.
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=1, y=1)

    def shot(self, path, selector=None):
        """A picture of the whole page, or of one part of it."""
        more = {}
        if selector:
            place = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
            box = "({x: r.x + scrollX, y: r.y + scrollY, width: r.width, height: r.height})"
            more["clip"] = self.evaluate(f"(r => {box})({place})") | {"scale": 1}
        png = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=True, **more)
        with open(path, "wb") as file:
            file.write(base64.b64decode(png["data"]))

    def close(self):
        self.process.terminate()
        self.process.wait(PATIENCE_S)
        os.close(self.to_browser)
        os.close(self.from_browser)
        # A process of the browser may still write there.
        shutil.rmtree(self.folder.name, ignore_errors=True)
