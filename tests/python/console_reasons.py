"""What a reader of the console does to learn why an answer is what it is: what each peak is worth,
what each range of energy adds, and the whole report.
"""

import re

from playwright.sync_api import expect

ASK = "What does each range add?"
# Keeps everything that the bar shows, in the order it does; presses Stop at once where that is wished.
WATCH_BAR = """place => {
  window.progress = [];
  new MutationObserver(() => {
    const bar = place.querySelector("progress");
    if (!(bar?.position >= 0)) return;
    progress.push(bar.nextElementSibling.firstChild.textContent);
    if (window.stopAtOnce) bar.nextElementSibling.querySelector("button").click();
  }).observe(place, { childList: true, subtree: true, attributes: true });
}"""


def numbers(words):
    """The numbers in a text, as the page writes them."""
    plain = words.replace("\u2212", "-").replace(",", "")
    return [float(one) for one in re.findall(r"[-+]?\d+\.\d+", plain)]


class Reasons:
    """The part of the page that says why."""

    def __init__(self, page):
        self.page = page
        self.why = page.get_by_role("region", name="Why")
        self.place = self.why.locator(".ranges")

    def press(self, words):
        self.why.get_by_role("button", name=words).click()

    def ask(self):
        """Everything, as it is told."""
        return {
            "peaks": self.peaks(),
            "ranges": self.ranges(),
            # With other values, which are not known yet.
            "stopped": self.stopped(),
            "ranges_from_mean": self.ranges_from_mean(),
            "report": self.report(is_full=False),
            "full_report": self.report(is_full=True),
        }

    def peaks(self):
        self.press("What is each peak worth?")
        rows = self.why.get_by_role("table", name="taken out one by one").locator("tbody tr")
        rows.first.wait_for()
        return rows.count()

    def ranges(self):
        """The values, and the progress until they are there."""
        self.place.evaluate(WATCH_BAR)
        self.press(ASK)
        told = self.values()
        return told | {"progress": self.page.evaluate("[...new Set(progress)]")}

    def stopped(self):
        """What there is after Stop, before anything has come and at the first progress."""
        page = self.page
        self.why.get_by_label("hidden by").select_option("the training mean")
        # Requests that nobody answers.
        page.route("**/ExplainShap", lambda route: None)
        with page.expect_request("**/ExplainShap") as sent:
            self.press(ASK)
        with page.expect_event("requestfailed", lambda request: request == sent.value):
            self.press("Stop")
        assert sent.value.failure == "net::ERR_ABORTED", sent.value.failure
        before = self.end()
        page.unroute("**/ExplainShap")
        page.evaluate("window.stopAtOnce = true")
        self.press(ASK)
        at_first = self.end()
        page.evaluate("window.stopAtOnce = false")
        return [before, at_first]

    def end(self):
        """The words after Stop, and where the keyboard is then."""
        expect(self.place).to_have_text(re.compile("^Stopped"))
        control = self.page.locator(":focus")
        return {
            "words": self.place.text_content(),
            "focus": control.text_content(),
            "usable": control.is_enabled(),
        }

    def ranges_from_mean(self):
        self.press(ASK)
        return self.values() | {"words": self.place.text_content()}

    def values(self):
        """The values as they are shown."""
        table = self.place.get_by_role("table")
        caption = table.locator("caption").text_content()
        column = table.locator("td:nth-child(3)").all_text_contents()
        base, total, logit = numbers(self.place.locator("p").first.text_content())[:3]
        return {
            "count": int(re.search(r"of (\d+) ranges", caption)[1]),
            "base": base,
            "sum": total,
            "logit": logit,
            "column": [numbers(one)[0] for one in column],
        }

    def report(self, is_full):
        self.why.get_by_label("with Shapley values").set_checked(is_full)
        with self.page.expect_download() as saved:
            self.press("Whole report")
        page = saved.value.path().read_bytes()
        return {
            "name": saved.value.suggested_filename,
            "begins": page[:15].decode(),
            "shapley": b'<section id="shap"' in page,
        }
