"""A headless browser for the pages that users open, driven over the pipe of the
Chrome DevTools protocol: no driver and no package beside Debian's chromium.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time

import pytest

TIMEOUT = 60  # seconds
WORST_CONTRAST = r"""selector => {
  const numbers = colour => colour.match(/[\d.]+/g).map(Number);
  const luminance = colour => {
    const [r, g, b] = numbers(colour).slice(0, 3).map(value => {
      value /= 255;
      return value <= 0.04045
        ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = element => {
    for (; element; element = element.parentElement) {
      const colour = getComputedStyle(element).backgroundColor;
      if ((numbers(colour)[3] ?? 1) > 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  let worst = {ratio: 99};
  for (const element of document.querySelectorAll(`${selector} *, ${selector}`)) {
    const hasText = [...element.childNodes].some(
      node => node.nodeType === 3 && node.data.trim());
    if (!hasText) continue;
    const pair = [
      luminance(getComputedStyle(element).color),
      luminance(background(element)),
    ].sort((a, b) => a - b);
    const ratio = (pair[1] + 0.05) / (pair[0] + 0.05);
    if (ratio < worst.ratio) worst = {ratio, html: element.outerHTML};
  }
  return worst;
}"""
KEY_CODES = {"Tab": 9, "Enter": 13, " ": 32, "ArrowRight": 39}
_START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """Chromium, and the messages to and from it."""

    def __init__(self, executable, profile):
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        # the protocol wants descriptors 3 and 4; keep clear of them until then
        inherited = [
            fcntl.fcntl(pipe, fcntl.F_DUPFD, 10) for pipe in (commands, answers)
        ]
        arguments = [
            "--headless",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--hide-scrollbars",
            "--no-first-run",
            "--no-proxy-server",
            "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        ]
        if os.geteuid() == 0:
            arguments.append("--no-sandbox")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _START,
                *map(str, inherited),
                executable,
                *arguments,
            ],
            pass_fds=inherited,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for pipe in (commands, answers, *inherited):
            os.close(pipe)
        self._buffer = b""
        self._last_id = 0
        self._events = []

    def send(self, method, session=None, **parameters):
        """Sends a command and returns its result."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") != self._last_id:
                self._events.append(answer)
                continue
            if "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']}")
            return answer["result"]

    def events_of(self, session, *methods, since=0):
        """Returns what one page has reported."""
        return [
            event["params"]
            for event in self._events[since:]
            if event.get("sessionId") == session and event["method"] in methods
        ]

    def _receive(self):
        deadline = time.monotonic() + TIMEOUT
        while b"\0" not in self._buffer:
            left = max(deadline - time.monotonic(), 0)
            if not select.select([self._answers], [], [], left)[0]:
                raise TimeoutError(f"no answer from chromium in {TIMEOUT} s")
            chunk = os.read(self._answers, 1 << 20)
            if not chunk:
                raise RuntimeError("chromium has gone")
            self._buffer += chunk
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)

    def open(self, place, width=1200, height=900, dark=False):
        """Opens an address, or a file of this machine, and waits until it is
        loaded."""
        url = place if isinstance(place, str) else place.as_uri()
        target = self.send("Target.createTarget", url="about:blank")
        session = self.send(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable", session)
        self.send(
            "Emulation.setDeviceMetricsOverride",
            session,
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {
            "name": "prefers-color-scheme",
            "value": "dark" if dark else "light",
        }
        self.send("Emulation.setEmulatedMedia", session, features=[scheme])
        since = len(self._events)
        self.send("Page.navigate", session, url=url)
        while not self.events_of(session, "Page.loadEventFired", since=since):
            self._events.append(self._receive())
        return Page(self, session, width)

    def close(self):
        """Ends the browser."""
        try:
            self.send("Browser.close")
            self._process.wait(TIMEOUT)
        except (OSError, RuntimeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        os.close(self._commands)
        os.close(self._answers)


class Page:
    """One page in the browser."""

    def __init__(self, browser, session, width):
        self.width = width
        self._browser = browser
        self._session = session

    def evaluate(self, expression):
        """Returns the value of a JavaScript expression, promises awaited."""
        result = self._browser.send(
            "Runtime.evaluate",
            self._session,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        if "exceptionDetails" in result:
            raise RuntimeError(result["exceptionDetails"])
        return result["result"].get("value")

    def wait_for(self, expression):
        """Waits until a JavaScript expression is true, and returns it."""
        deadline = time.monotonic() + TIMEOUT
        while not (value := self.evaluate(expression)):
            if time.monotonic() > deadline:
                raise TimeoutError(f"never came true: {expression}")
            time.sleep(0.05)
        return value

    def wait_for_element(self, selector):
        """Waits until there is an element."""
        self.wait_for(f"!!document.querySelector({json.dumps(selector)})")

    def focus(self, selector):
        """Puts the focus on the first element, as soon as it takes it."""
        self.wait_for(
            f"""(() => {{
              const element = document.querySelector({json.dumps(selector)});
              element?.focus();
              return !!element && document.activeElement === element;
            }})()"""
        )

    def click(self, selector):
        """Clicks into the middle of the first element, as a mouse does."""
        self.wait_for_element(selector)
        x, y = self.evaluate(
            f"""(() => {{
              const element = document.querySelector({json.dumps(selector)});
              element.scrollIntoView({{block: "center", behavior: "instant"}});
              const box = element.getBoundingClientRect();
              return [box.x + box.width / 2, box.y + box.height / 2];
            }})()"""
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left"}
            self._browser.send(
                "Input.dispatchMouseEvent",
                self._session,
                type=kind,
                x=x,
                y=y,
                clickCount=len(button),
                **button,
            )

    def press(self, key, shift=False):
        """Presses a key: Tab, Enter, ArrowRight or a space."""
        text = {"Enter": "\r", " ": " "}.get(key)
        shared = {
            "key": key,
            "code": "Space" if key == " " else key,
            "windowsVirtualKeyCode": KEY_CODES[key],
            "modifiers": 8 if shift else 0,
        }
        pressed = {"text": text} if text else {}
        for kind, more in (("keyDown", pressed), ("keyUp", {})):
            self._browser.send(
                "Input.dispatchKeyEvent",
                self._session,
                type=kind,
                **shared,
                **more,
            )

    def write(self, text):
        """Writes a text into what has the focus, in the place of its own."""
        self.evaluate("document.activeElement.select()")
        self._browser.send("Input.insertText", self._session, text=text)

    def choose_file(self, selector, path):
        """Gives a file to an input."""
        self.wait_for_element(selector)
        root = self._browser.send("DOM.getDocument", self._session)["root"]
        node = self._browser.send(
            "DOM.querySelector",
            self._session,
            nodeId=root["nodeId"],
            selector=selector,
        )
        self._browser.send(
            "DOM.setFileInputFiles",
            self._session,
            nodeId=node["nodeId"],
            files=[str(path)],
        )

    def worst_contrast(self, selector):
        """Returns the text with the least contrast, as WCAG 2 counts it, of an
        element and all in it: its ratio and HTML."""
        return self.evaluate(f"({WORST_CONTRAST})({json.dumps(selector)})")

    def screenshot(self, path):
        """Saves a picture of the whole page."""
        result = self._browser.send(
            "Page.captureScreenshot",
            self._session,
            format="png",
            captureBeyondViewport=True,
        )
        path.write_bytes(base64.b64decode(result["data"]))

    @property
    def complaints(self):
        """What the console shows: errors, warnings, exceptions, refusals."""
        return self._browser.events_of(
            self._session,
            "Runtime.consoleAPICalled",
            "Runtime.exceptionThrown",
            "Log.entryAdded",
        )

    @property
    def requests(self):
        """Everything that the page asked for."""
        return [
            event["request"]["url"]
            for event in self._browser.events_of(
                self._session, "Network.requestWillBeSent"
            )
        ]


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """A headless chromium; skips where there is none."""
    executable = shutil.which("chromium")
    if executable is None:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    browser = Browser(executable, tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.close()
