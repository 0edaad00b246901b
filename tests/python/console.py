"""Uses the console in a real browser: drops spectra, reads the answer, looks at jobs, models and the
server.

    python tests/python/console.py --server http://127.0.0.1:50051 --shots DIR SPECTRUM.SPE

Prints what the pages said as JSON; `{"browser": null}` where there is no Chromium.
"""

import argparse
import json
import sys
from pathlib import Path

import chromium

TEXT = "document.querySelector({0})?.textContent"
LOOKS = [("light", 1280, False), ("dark", 1280, True), ("narrow", 400, False), ("narrow-dark", 400, True)]


def text(browser, selector, what):
    return browser.wait_for(TEXT.format(json.dumps(selector)), what)


class Reader:
    """Somebody who looks at the pages."""

    def __init__(self, browser, url, shots):
        self.browser, self.url, self.shots = browser, url, shots
        self.foreign, self.told = [], {}
        browser.asked = self.asked

    def asked(self, url):
        if not url.startswith((self.url, "blob:" + self.url, "data:", "about:")):
            self.foreign.append(url)

    def shoot(self, name):
        """Pictures of a page in every look; nothing may stand out to the right."""
        for look, width, dark in LOOKS if self.shots else LOOKS[2:3]:
            self.browser.look(width, dark)
            wide = self.browser.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                self.told.setdefault("too_wide", []).append(f"{name} at {width}: {wide}")
            if self.shots:
                # Two frames, so that what is drawn on resizing is drawn.
                self.browser.evaluate(
                    "new Promise(done => requestAnimationFrame(() => setTimeout(done, 150)))"
                )
                self.browser.shot(self.shots / f"{name}-{look}.png")
        self.browser.look(1280, False)

    def go(self, part):
        self.browser.evaluate(f"location.hash = '#/{part}'")

    def give_token(self, token):
        self.browser.wait_for("!!document.querySelector('#token')", "the question for a token")
        self.shoot("token")
        self.browser.evaluate(
            f"(field => {{ field.value = {json.dumps(token)}; field.form.requestSubmit(); }})"
            "(document.querySelector('#token'))"
        )

    def identify(self, files):
        browser, told = self.browser, self.told
        browser.drop(".drop", files)
        told["answer"] = text(browser, ".verdict .headline", "the answer")
        told["kicker"] = text(browser, ".verdict .kicker", "what sort of answer")
        if len(files) > 1:
            done = f"document.querySelectorAll('.answers .badge').length === {len(files)}"
            browser.wait_for(done, "every answer")
            rows = "[...document.querySelectorAll('.answers tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))"
            told["rows"] = browser.evaluate(rows)
        browser.wait_for("!!document.querySelector('.plot canvas')", "the spectrum")
        regions = "document.querySelectorAll('.figure ~ div tbody tr').length"
        told["regions"] = browser.evaluate(regions)
        colours = (
            "(canvas => { const seen = new Set(); const image = canvas.getContext('2d')"
            ".getImageData(0, 0, canvas.width, canvas.height).data;"
            "for (let i = 0; i < image.length; i += 4) seen.add(image[i] + ',' + image[i + 1] + ',' + image[i + 2]);"
            "return seen.size; })(document.querySelector('.plot canvas'))"
        )
        told["colours"] = browser.wait_for(f"(seen => seen > 20 && seen)({colours})", "colours")
        # By keyboard alone.
        browser.evaluate("document.querySelector('.plot canvas').focus()")
        key = {"key": "ArrowRight", "code": "ArrowRight", "windowsVirtualKeyCode": 39}
        browser.send("Input.dispatchKeyEvent", type="keyDown", **key)
        told["readout"] = text(browser, ".readout", "the values under the cursor")
        self.shoot("identify")

    def other_class(self):
        browser = self.browser
        told = "document.querySelector('.figure ~ div caption')?.textContent"
        before = browser.evaluate(told)
        browser.evaluate(
            "(choice => { choice.selectedIndex = (choice.selectedIndex + 1) % choice.length;"
            "choice.dispatchEvent(new Event('change')); })(document.querySelector('#explained-class'))"
        )
        browser.wait_for(f"{told} !== {json.dumps(before)}", "another explanation")

    def jobs(self):
        self.go("jobs")
        browser = self.browser
        browser.wait_for("!!document.querySelector('.job')", "a job")
        cards = "[...document.querySelectorAll('.job')].map(one => one.querySelector('.state').textContent)"
        self.told["jobs"] = browser.evaluate(cards)
        self.shoot("jobs")

    def models(self):
        self.go("models")
        browser = self.browser
        text(browser, ".versions li strong", "a version")
        browser.evaluate("document.querySelector('.versions button').click()")
        text(browser, ".version dl", "the description of a version")
        classes = "[...document.querySelectorAll('.version table')[0].querySelectorAll('tbody th')].map(one => one.textContent)"
        self.told["classes"] = browser.evaluate(classes)
        self.told["aliases"] = browser.evaluate(
            "[...document.querySelectorAll('.aliases strong')].map(one => one.textContent)"
        )
        self.shoot("models")

    def server(self):
        self.go("server")
        browser = self.browser
        browser.wait_for("document.querySelectorAll('tbody tr').length > 3", "the services")
        states = "[...document.querySelectorAll('tbody .badge')].map(one => one.textContent)"
        self.told["health"] = browser.evaluate(states)
        self.shoot("server")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--server", required=True)
    arguments.add_argument("--shots", type=Path)
    arguments.add_argument("--token")
    arguments.add_argument("files", nargs="+")
    asked = arguments.parse_args()
    program = chromium.find()
    if program is None:
        json.dump({"browser": None}, sys.stdout)
        return
    if asked.shots:
        asked.shots.mkdir(parents=True, exist_ok=True)
    browser = chromium.Browser(program)
    try:
        reader = Reader(browser, asked.server, asked.shots)
        browser.look(1280, False)
        browser.open(asked.server)
        if asked.token:
            reader.give_token(asked.token)
        text(browser, ".drop", "the place for files")
        browser.wait_for("document.querySelectorAll('#model option').length > 1", "the models")
        reader.identify(asked.files)
        reader.other_class()
        reader.jobs()
        reader.models()
        reader.server()
        told = {"browser": program, "complaints": browser.complaints, "foreign": reader.foreign}
        json.dump(told | reader.told, sys.stdout)
    finally:
        browser.close()


main()
