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

import console_browser
from console_reasons import Reasons
from playwright.sync_api import expect

# Of a copy, for a browser warns of a canvas that is read again and again.
COLOURS = """canvas => {
  const { width, height } = canvas;
  const ink = new OffscreenCanvas(width, height).getContext("2d");
  ink.drawImage(canvas, 0, 0);
  const image = ink.getImageData(0, 0, width, height).data;
  const seen = new Set();
  for (let i = 0; i < image.length; i += 4) {
    seen.add((image[i] << 16) | (image[i + 1] << 8) | image[i + 2]);
  }
  return seen.size > 20 && seen.size;
}"""


class Reader:
    """Somebody who looks at the pages; what they say is kept in `told`."""

    def __init__(self, window, shots):
        self.window, self.page, self.shots, self.told = window, window.page, shots, {}
        self.headline = self.page.locator(".verdict .headline")
        self.model = self.page.get_by_label("Model", exact=True)

    def shoot(self, name, part=None):
        if too_wide := self.window.shoot(self.shots, name, part):
            self.told.setdefault("too_wide", []).extend(too_wide)

    def go(self, part):
        self.page.get_by_role("navigation").get_by_role("link", name=part).click()

    def open(self, url, token):
        self.page.goto(url)
        if token:
            field = self.page.get_by_label("Token", exact=True)
            field.wait_for()
            self.shoot("token")
            field.fill(token)
            self.page.get_by_role("button", name="Use this token").click()
        # There is a choice of models then.
        self.model.locator("option").nth(1).wait_for(state="attached")

    def drop(self, files):
        # So that the pointer does not rest on what will be shown, and move its cursor.
        self.page.mouse.move(0, 0)
        self.page.locator(".drop").drop({"files": files})

    def identify(self, files):
        page, told = self.page, self.told
        self.drop(files)
        told["answer"] = self.headline.text_content()
        told["kicker"] = page.locator(".verdict .kicker").text_content()
        if len(files) > 1:
            answers = page.get_by_role("region", name="Answers", exact=True)
            expect(answers.locator(".badge")).to_have_count(len(files))
            rows = answers.locator("tbody tr").all()
            told["rows"] = [row.locator("th, td").all_text_contents() for row in rows]
        why = page.get_by_role("region", name="Why")
        spectrum = why.get_by_role("img", name="Spectrum over energy")
        spectrum.wait_for()
        regions = why.get_by_role("table", name="Regions that speak most")
        told["regions"] = regions.locator("tbody tr").count()
        colours = page.wait_for_function(COLOURS, arg=spectrum.element_handle())
        told["colours"] = colours.json_value()
        # By keyboard alone.
        spectrum.press("ArrowRight")
        readout = why.locator(".readout")
        told["readout"] = readout.text_content()
        self.shoot("identify")

        # The cursor stands where it stood, and reads what another class has there.
        choice = why.get_by_label("What speaks for")
        classes = choice.locator("option").all_text_contents()
        other = classes[classes.index(choice.input_value()) - 1]
        choice.select_option(other)
        why.get_by_text(re.compile(f"(speak most|speaks) for {re.escape(other)}[;.]")).wait_for()
        told["readout_of_other"] = readout.text_content()

    def reasons(self):
        reasons = Reasons(self.page)
        self.told |= reasons.ask()
        self.shoot("reasons", reasons.why)

    def answer(self, files):
        """The answer alone, by the model that the page chooses or, failing that, by the first."""
        page, told = self.page, self.told
        self.drop(files)
        refusal = page.get_by_role("main").get_by_role("alert")
        self.headline.or_(refusal).wait_for()
        told["refused"] = refusal.text_content() if refusal.count() else None
        told["hint"] = page.locator("#model-hint").text_content()
        if told["refused"]:
            self.shoot("choose")
            self.model.select_option(index=1)
        told["answer"] = self.headline.text_content()
        told["model"] = self.model.input_value()

    def jobs(self):
        self.go("Jobs")
        states = self.page.locator(".job .state")
        states.first.wait_for()
        self.told["jobs"] = states.all_text_contents()
        self.shoot("jobs")

    def models(self):
        page, told = self.page, self.told
        self.go("Models")
        page.get_by_role("button", name="Describe").first.click()
        classes = page.get_by_role("table", name="Classes and their training spectra")
        classes.wait_for()
        told["classes"] = classes.get_by_role("rowheader").all_text_contents()
        aliases = page.get_by_role("list", name="Aliases").locator("strong")
        told["aliases"] = aliases.all_text_contents()
        self.shoot("models")

    def server(self):
        self.go("Server")
        health = self.page.get_by_role("table", name="Health of the services")
        health.wait_for()
        self.told["health"] = health.locator(".badge").all_text_contents()
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
    program = console_browser.find()
    if program is None:
        json.dump({"browser": None}, sys.stdout)
        return
    if asked.shots:
        asked.shots.mkdir(parents=True, exist_ok=True)
    with console_browser.opened(program) as window:
        reader = Reader(window, asked.shots)
        reader.open(asked.server, asked.token)
        if asked.only_answer:
            reader.answer(asked.files)
        else:
            reader.identify(asked.files)
            if asked.reasons:
                reader.reasons()
            reader.jobs()
            reader.models()
            reader.server()
        told = {
            "browser": program,
            "complaints": window.complaints,
            "foreign": window.foreign(asked.server),
        }
        json.dump(told | reader.told, sys.stdout)


main()
