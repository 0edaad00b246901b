"""A Chromium that is installed on this machine, driven by Playwright; nothing downloads a browser.

`find` says where one is, if there is one; `opened` gives a window in it.
"""

import contextlib
import os
import shutil
import sys

from playwright.sync_api import Error, expect, sync_playwright

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
# A machine that runs every test at once is slow.
PATIENCE_MS = 120_000
WIDTH, HEIGHT = 1280, 900
LOOKS = [
    ("light", WIDTH, "light"),
    ("dark", WIDTH, "dark"),
    ("narrow", 400, "light"),
    ("narrow-dark", 400, "dark"),
]
COMPLAINTS = ("error", "warning", "assert")
# What is drawn because the window has changed is drawn in the next frame.
FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def find():
    """The program, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@contextlib.contextmanager
def opened(program):
    """A window, whose browser ends with it. What fails in it is told with what the page said."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=program,
                headless=True,
                # With a sandbox Chromium refuses to be started by root.
                chromium_sandbox=os.geteuid() != 0,
                timeout=PATIENCE_MS,
            )
        except Error as error:
            sys.exit(f"{program} is there, but Playwright cannot drive it: {error}")
        with browser:
            window = Window(browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}))
            try:
                yield window
            except (Error, AssertionError) as error:
                said = f"the page says:\n{window.page.inner_text('body')}\n{window.complaints}"
                raise RuntimeError(f"{error}\n{said}") from error


class Window:
    """A `page`, its `complaints` and the addresses of everything that it `asked` for."""

    def __init__(self, page):
        self.page, self.complaints, self.asked = page, [], []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on("console", self.note)
        page.on("request", lambda request: self.asked.append(request.url))

    def note(self, message):
        if message.type in COMPLAINTS:
            where = message.location.get("url", "")
            self.complaints.append(f"{message.type}: {message.text} {where}")

    def foreign(self, own):
        """What it asked for elsewhere."""
        own = (f"{own}/", f"blob:{own}/", "data:", "about:")
        return [url for url in self.asked if not url.startswith(own)]

    def shoot(self, folder, name, part=None):
        """Pictures of the page, or of a part of it, in every look; without a folder none, and the
        narrow look alone. Gives what stands out to the right."""
        page, too_wide = self.page, []
        # So that the pointer rests on nothing.
        page.mouse.move(0, 0)
        for look, width, scheme in LOOKS if folder else LOOKS[2:3]:
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.emulate_media(color_scheme=scheme)
            page.evaluate(FRAMES)
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                too_wide.append(f"{name} at {width}: {wide}")
            if folder:
                path = folder / f"{name}-{look}.png"
                part.screenshot(path=path) if part else page.screenshot(path=path, full_page=True)
        page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
        page.emulate_media(color_scheme="light")
        return too_wide
