// Why an answer is what it is: the spectrum coloured by what spoke for and against a class, and the
// regions that spoke most. Where the reader's role may not ask why, the spectrum alone.

import { button, fill, h } from "./elements.js";
import { notice } from "./notice.js";
import { peakActions } from "./peaks.js";
import { Plot, legend } from "./plot.js";
import { RangeAction } from "./shapley.js";
import { percent } from "./words.js";

const EXPLAIN = "openassay.explain.v1.ExplainService/ExplainCam";
const SPECTRUM = "openassay.ingest.v1.IngestService/GetSpectrum";

/// A section that fills itself. `page`: client, signal.
export function explanation(page, result) {
  return new Explanation(page, result).element;
}

class Explanation {
  constructor(page, result) {
    Object.assign(this, { page, result, plot: null, spectrum: null });
    this.place = h("div", { class: "figure", "aria-busy": "true" }, h("p", { class: "wait" }, "Asking why …"));
    this.table = h("div", {});
    this.chosen = h(
      "select",
      { id: "explained-class", onchange: () => this.explain(this.chosen.value) },
      result.answer.class_labels.map((label) =>
        h("option", { value: label, selected: label === result.answer.closed_set_label }, label),
      ),
    );
    this.choice = h(
      "p",
      { class: "row" },
      h("label", { for: "explained-class" }, "What speaks for"),
      this.chosen,
    );
    const asked = () => this.question();
    const ranges = new RangeAction(page, result, asked, () => this.spectrum);
    const [peaks, report] = peakActions(page, asked, () => ranges.options());
    const more = [peaks, ranges, report];
    this.actions = h(
      "div",
      { class: "actions", role: "group", "aria-label": "More reasons, which take longer" },
      more.map(({ element }) => element),
    );
    this.element = h(
      "section",
      { class: "card", "aria-label": "Why" },
      h("div", { class: "row apart" }, h("h3", {}, "Why"), this.choice),
      this.place,
      this.table,
      this.actions,
      more.map(({ place }) => place),
    );
    this.explain("");
  }

  async explain(label) {
    const { client, signal } = this.page;
    const { answer } = this.result;
    // The bundle that answered, wherever the alias points to by now.
    const request = { model: answer.bundle, spectrum_digest: answer.spectrum_digest };
    this.place.setAttribute("aria-busy", "true");
    try {
      const why = await client.call(EXPLAIN, { request, label, regions: 10 }, { timeoutS: 120, signal });
      this.show(why);
    } catch (error) {
      if (error.code === "PERMISSION_DENIED") await this.plain();
      else if (error.code !== "CANCELLED") fill(this.place, notice(error, () => this.explain(label)));
    } finally {
      this.place.removeAttribute("aria-busy");
    }
  }

  /// What is asked beside the map: the same spectrum, model and class.
  question() {
    const { answer, name } = this.result;
    const request = {
      model: answer.bundle,
      spectrum_digest: answer.spectrum_digest,
      file_name: name,
    };
    return { request, label: this.chosen.value };
  }

  show(why) {
    this.spectrum = {
      energyKev: why.energy_kev,
      heights: why.input.map(Math.exp),
      unit: "of all counts",
    };
    const data = { ...this.spectrum, importance: why.importance, regions: why.regions };
    this.chosen.value = why.label;
    if (this.plot) {
      this.plot.show(data);
    } else {
      this.plot = new Plot(data);
      const words = legend("speaks for the class", "says nothing", "speaks against it");
      fill(this.place, this.plot.element, words);
    }
    fill(this.table, this.regions(why));
  }

  regions(why) {
    if (why.regions.length === 0) {
      return h("p", {}, `Nothing in this spectrum speaks for ${why.label}.`);
    }
    const rows = why.regions.map((region, at) =>
      h(
        "tr",
        {},
        h("td", {}, String(at + 1)),
        h(
          "td",
          {},
          button(`${region.peak_kev.toFixed(1)} keV`, () => this.enlarge(region), { class: "link" }),
        ),
        h("td", {}, `${region.from_kev.toFixed(1)} to ${region.to_kev.toFixed(1)} keV`),
        h("td", { class: "numeric" }, percent(region.share)),
      ),
    );
    const heads = ["No.", "Strongest at", "Region"].map((text) => h("th", { scope: "col" }, text));
    heads.push(h("th", { scope: "col", class: "numeric" }, "Share of what speaks for it"));
    return h(
      "div",
      { class: "scroll" },
      h(
        "table",
        {},
        h("caption", {}, `Regions that speak most for ${why.label}; choose one to enlarge it`),
        h("thead", {}, h("tr", {}, heads)),
        h("tbody", {}, rows),
      ),
    );
  }

  enlarge({ from_kev: from, to_kev: to }) {
    const margin = Math.max(60, to - from);
    this.plot.focus(from - margin, to + margin);
    this.plot.canvas.scrollIntoView({ block: "nearest" });
  }

  /// The spectrum as it was measured, for those who may not ask why.
  async plain() {
    const { client, signal } = this.page;
    this.choice.hidden = true;
    this.actions.hidden = true;
    try {
      const request = { digest: this.result.answer.spectrum_digest };
      const { spectrum, counts } = await client.call(SPECTRUM, request, { timeoutS: 60, signal });
      const plot = new Plot({
        energyKev: energies(spectrum.calibration_kev, counts.length),
        heights: counts.map(Number),
        unit: "counts",
        importance: null,
        regions: [],
      });
      const words = "Your role sees the spectrum. What in it speaks for a class is for analysts.";
      fill(this.place, h("p", { class: "small" }, words), plot.element);
    } catch (error) {
      if (error.code !== "CANCELLED") fill(this.place, notice(error, () => this.plain()));
    }
  }
}

function energies(calibration, channels) {
  const [offset = 0, gain = 1, curve = 0] = calibration;
  return Array.from({ length: channels }, (_, at) => offset + gain * at + curve * at * at);
}
