"""Uses the console in a real browser: drops spectra, reads the answer, looks at jobs, models and the
server.

    python tests/python/console.py --server http://127.0.0.1:50051 --shots DIR SPECTRUM.SPE

`--reasons` asks for everything that the page says why, too. `--only-answer` looks at nothing but the
answer and, where the page wants a model to be chosen, chooses the first.

Prints what the pages said as JSON; `{"browser": null}` where there is no Chromium.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import chromium

TEXT = "document.querySelector({0})?.textContent"
WHY = "section[aria-label=Why]"
RANGES = f"{WHY} .ranges"
LOOKS = [("light", 1280, False), ("dark", 1280, True), ("narrow", 400, False), ("narrow-dark", 400, True)]


def text(browser, selector, what):
    return browser.wait_for(TEXT.format(json.dumps(selector)), what)


def numbers(words):
    """The numbers in a text, as the page writes them."""
    plain = words.replace("\u2212", "-").replace(",", "")
    return [float(one) for one in re.findall(r"[-+]?\d+\.\d+", plain)]


class Reader:
    """Somebody who looks at the pages."""

    def __init__(self, browser, url, shots):
        self.browser, self.url, self.shots = browser, url, shots
        self.foreign, self.told = [], {}
        browser.asked = self.asked

    def asked(self, url):
        if not url.startswith((self.url, "blob:" + self.url, "data:", "about:")):
            self.foreign.append(url)

    def shoot(self, name, selector=None):
        """Pictures of a page, or a part of it, in every look; nothing may stand out to the right."""
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
                self.browser.shot(self.shots / f"{name}-{look}.png", selector)
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
            # Of a copy, for a browser warns of a canvas that is read again and again.
            "(canvas => { const seen = new Set(), { width, height } = canvas;"
            "const ink = new OffscreenCanvas(width, height).getContext('2d');"
            "ink.drawImage(canvas, 0, 0); const image = ink.getImageData(0, 0, width, height).data;"
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
        # The cursor stands where it stood, and reads what this class has there.
        self.told["readout_of_other"] = text(browser, ".readout", "the values of the other class")

    def press(self, words):
        """Presses a button below the answer."""
        found = (
            f"[...document.querySelectorAll('{WHY} button')]"
            f".find(one => one.textContent === {json.dumps(words)})"
        )
        self.browser.evaluate(f"(found => {{ found.focus(); found.click(); }})({found})")

    def peaks(self):
        self.press("What is each peak worth?")
        found = (
            f"[...document.querySelectorAll('{WHY} table')]"
            ".find(one => one.caption.textContent.includes('taken out one by one'))"
        )
        rows = f"{found}?.tBodies[0].rows.length"
        self.told["peaks"] = self.browser.wait_for(rows, "what each peak is worth")

    def ranges(self):
        """What each range adds: with its progress, and stopped on the way."""
        browser = self.browser
        # Everything that the bar shows, in the order it does; and Stop at once where that is wished.
        browser.evaluate(
            "window.progress = []; new MutationObserver(() => {"
            f"const bar = document.querySelector('{RANGES} progress');"
            "if (!(bar?.position >= 0)) return;"
            "progress.push(bar.nextElementSibling.firstChild.textContent);"
            "if (window.stopAtOnce) bar.nextElementSibling.querySelector('button').click();"
            f"}}).observe(document.querySelector('{RANGES}'),"
            "{ childList: true, subtree: true, attributes: true })"
        )
        self.press("What does each range add?")
        told = self.values()
        told["progress"] = browser.evaluate("[...new Set(progress)]")
        self.told["ranges"] = told

        # Now with other values, which are not known yet. Stopped before anything has come, the
        # request ends, too.
        mean = "'HIDDEN_ENERGIES_TRAINING_MEAN'"
        browser.evaluate(f"document.querySelector('#hidden-ranges').value = {mean}")
        browser.hold("*/ExplainShap")
        self.press("What does each range add?")
        browser.wait_for(f"!!document.querySelector('{RANGES} progress')", "the bar")
        before = len(browser.cancelled)
        self.press("Stop")
        at_once = self.stopped()
        # Events are looked at on the way.
        cancelled = lambda: browser.evaluate("1") and str(browser.cancelled[before:])
        browser.wait_until(lambda: "/ExplainShap" in cancelled(), "the end of the request")
        browser.release()
        # And at the first progress.
        browser.evaluate("window.stopAtOnce = true")
        self.press("What does each range add?")
        self.told["stopped"] = [at_once, self.stopped()]
        browser.evaluate("window.stopAtOnce = false")
        self.press("What does each range add?")
        told = self.values()
        told["words"] = browser.evaluate(f"document.querySelector('{RANGES}').textContent")
        self.told["ranges_from_mean"] = told

    def stopped(self):
        """What there is after Stop."""
        words = f"document.querySelector('{RANGES}').textContent"
        self.browser.wait_for(f"{words}.startsWith('Stopped')", "the end")
        control = "(one => ({focus: one.textContent, usable: !one.disabled}))(document.activeElement)"
        return self.browser.evaluate(control) | {"words": self.browser.evaluate(words)}

    def values(self):
        """The values as they are shown."""
        browser = self.browser
        cells = (
            "(table => table && [table.caption.textContent,"
            "[...table.tBodies[0].rows, ...table.tFoot.rows].map(row => row.cells[2].textContent)])"
            f"(document.querySelector('{RANGES} table'))"
        )
        caption, column = browser.wait_for(cells, "what each range adds")
        sentence = text(browser, f"{RANGES} p", "the logit in words")
        base, total, logit = numbers(sentence)[:3]
        count = int(re.search(r"of (\d+) ranges", caption)[1])
        column = [numbers(one)[0] for one in column]
        return {"count": count, "base": base, "sum": total, "logit": logit, "column": column}

    def report(self, name, is_full):
        browser = self.browser
        box = f"document.querySelector('{WHY} input[type=checkbox]')"
        browser.evaluate(f"{box}.checked = {json.dumps(is_full)}")
        saved, page = browser.wait_for_file(lambda: self.press("Whole report"))
        has_shapley = b'<section id="shap"' in page
        begins = page[:15].decode()
        self.told[name] = {"name": saved, "begins": begins, "shapley": has_shapley}

    def reasons(self):
        self.peaks()
        self.ranges()
        self.report("report", False)
        self.report("full_report", True)
        self.shoot("reasons", WHY)

    def answer(self, files):
        """The answer alone, by the model that the page chooses or, failing that, by the first."""
        browser, told = self.browser, self.told
        browser.drop(".drop", files)
        shown = ".verdict .headline, main .notice"
        text(browser, shown, "an answer or a reason why there is none")
        told["refused"] = browser.evaluate("document.querySelector('main .notice')?.textContent")
        told["hint"] = browser.evaluate("document.querySelector('#model-hint').textContent")
        if told["refused"]:
            self.shoot("choose")
            browser.evaluate(
                "(choice => { choice.selectedIndex = 1; choice.dispatchEvent(new Event('change')); })"
                "(document.querySelector('#model'))"
            )
        told["answer"] = text(browser, ".verdict .headline", "the answer")
        told["model"] = browser.evaluate("document.querySelector('#model').value")

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
    arguments.add_argument("--reasons", action="store_true")
    arguments.add_argument("--only-answer", action="store_true")
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
        if asked.only_answer:
            reader.answer(asked.files)
        else:
            reader.identify(asked.files)
            reader.other_class()
            if asked.reasons:
                reader.reasons()
            reader.jobs()
            reader.models()
            reader.server()
        told = {"browser": program, "complaints": browser.complaints, "foreign": reader.foreign}
        json.dump(told | reader.told, sys.stdout)
    finally:
        browser.close()


main()
