// What each range of energy adds to a class (Shapley values): asked for by a button, watched while
// the network runs, and ended by another button.

import { button, fill, h } from "./elements.js";
import { RpcError } from "./faults.js";
import { notice } from "./notice.js";
import { Plot, legend } from "./plot.js";
import { lowerBound } from "./scales.js";
import { fixed, signed, whole } from "./words.js";

const SHAP = "openassay.explain.v1.ExplainService/ExplainShap";

/// The runs of the network may take minutes on an image of full size.
const PATIENCE_S = 900;

const SEGMENTS = 64;
const MAX_EVALS = 200;

/// Ranges that are listed; the others stand below them as one sum.
const LISTED = 10;

/// What may stand where a range is hidden.
const HIDDEN = {
  HIDDEN_ENERGIES_LOCAL_BACKGROUND: "its local background",
  HIDDEN_ENERGIES_TRAINING_MEAN: "the training mean",
};

/// Share of the figure's height that the spectrum above the bars has.
const SPECTRUM_SHARE = 0.45;

/// A button with its choice for a row (`element`), and the `place` for what comes of it. `result`
/// keeps the values of the session, `asked` gives the request and the class, `spectrum` what is
/// drawn above the values, or null.
export class RangeAction {
  constructor(page, result, asked, spectrum) {
    Object.assign(this, { page, asked, spectrum });
    this.found = result.ranges ??= new Map();
    this.start = button("What does each range add?", () => this.run());
    this.hidden = h(
      "select",
      { id: "hidden-ranges" },
      Object.entries(HIDDEN).map(([value, words]) => h("option", { value }, words)),
    );
    const label = h("label", { for: "hidden-ranges" }, h("span", { class: "visually-hidden" }, "ranges "), "hidden by");
    this.element = h("div", { class: "row" }, this.start, h("span", { class: "row" }, label, this.hidden));
    this.place = h("div", { class: "ranges" });
  }

  /// What is hidden and how often, also for the report.
  options() {
    return { segments: SEGMENTS, max_evals: MAX_EVALS, hidden: this.hidden.value };
  }

  async run() {
    const { request, label } = this.asked();
    const options = this.options();
    const key = [request.model, label, options.hidden].join(" ");
    if (this.found.has(key)) {
      this.show(this.found.get(key), options);
      this.place.scrollIntoView({ block: "nearest" });
      return;
    }
    const ended = new AbortController();
    this.page.signal.addEventListener("abort", () => ended.abort(), { signal: ended.signal });
    const { step, stop } = this.watch(label, ended);
    const outcome = await this.ask({ request, label, options }, ended.signal, step).catch((error) => ({ error }));
    ended.abort();
    this.start.disabled = false;
    // The button that stops goes away; who was there is brought to the one that starts.
    const isFocused = document.activeElement === stop;
    // Who looks at another file or page by now hears nothing of this one.
    if (!this.place.isConnected || this.page.signal.aborted) return;
    if (outcome?.error) {
      fill(this.place, notice(outcome.error, () => this.run()));
    } else if (outcome) {
      this.found.set(key, outcome);
      this.show(outcome, options);
      this.page.say(`What each range adds to ${label} is shown`);
    } else {
      fill(this.place, h("p", { class: "wait" }, `Stopped: what each range adds to ${label} is not known.`));
      this.page.say("Stopped");
    }
    if (isFocused) this.start.focus({ preventScroll: true });
  }

  /// Shows how far it is, and the button that stops it.
  watch(label, ended) {
    const bar = h("progress", { "aria-label": "Runs of the network" });
    const words = h("span", { class: "small" }, "The network begins …");
    const stop = button("Stop", () => ended.abort());
    const isFocused = document.activeElement === this.start;
    this.start.disabled = true;
    fill(
      this.place,
      h("h4", {}, `What each range adds to ${label}`),
      bar,
      h("div", { class: "row apart" }, words, stop),
    );
    if (isFocused) stop.focus({ preventScroll: true });
    this.place.scrollIntoView({ block: "nearest" });
    const step = ({ evals, max_evals: all }) => {
      bar.max = all;
      bar.value = evals;
      words.textContent = `${whole(evals)} of ${whole(all)} runs of the network`;
    };
    return { step, stop };
  }

  /// The values; null where nobody wants them any more.
  async ask(question, signal, step) {
    const { client } = this.page;
    let found = null;
    try {
      for await (const part of client.stream(SHAP, question, { timeoutS: PATIENCE_S, signal })) {
        // Parts that came together are still given out after the end; and another file may be
        // shown by now.
        if (signal.aborted || !this.place.isConnected) return null;
        if (part.progress) step(part.progress);
        found = part.values ?? found;
      }
    } catch (error) {
      if (error.code === "CANCELLED" && signal.aborted) return null;
      throw error;
    }
    if (!found || found.classes.length === 0) throw new RpcError("INTERNAL", "the server sent no values");
    return found;
  }

  show({ edges_kev: edges, classes: [{ label, base, logit, values }], evals }, { hidden }) {
    const ranges = values.map((value, at) => ({ value, from: edges[at], to: edges[at + 1] }));
    const most = ranges.toSorted((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, LISTED);
    const sum = values.reduce((all, value) => all + value, 0);
    const plot = this.plot(label, edges, values, most);
    const enlarge = plot && (({ from, to }) => {
      plot.focus(from - 2 * (to - from), to + 2 * (to - from));
      plot.canvas.scrollIntoView({ block: "nearest" });
    });
    fill(
      this.place,
      h("h4", {}, `What each range adds to ${label}`),
      h(
        "p",
        {},
        `With everything hidden the logit of ${label} is ${fixed(base)}; `,
        `the ${whole(values.length)} ranges add up to ${signed(sum)}, which makes its logit ${fixed(logit)}.`,
      ),
      h(
        "p",
        { class: "small" },
        `Shapley values over ${whole(evals)} runs of the network. `,
        `In place of a hidden range stands ${HIDDEN[hidden]}.`,
        values.some((value, at) => at > 0 && value === values[at - 1])
          ? " Neighbours with the same value were not told apart in so many runs."
          : null,
      ),
      plot && [plot.element, legend(`adds to ${label}`, "adds nothing", `takes from ${label}`)],
      table({ label, base, logit, sum, ranges, most }, enlarge),
    );
  }

  /// The values as bars below the spectrum; null where there is no spectrum to draw.
  plot(label, edges, values, most) {
    const spectrum = this.spectrum();
    if (!spectrum) return null;
    const last = values.length - 1;
    const rangeOf = (energy) => Math.min(last, Math.max(0, lowerBound(edges, energy) - 1));
    const ranges = spectrum.energyKev.map(rangeOf);
    return new Plot({
      ...spectrum,
      name: `The spectrum, and below it what each range of energy adds to the logit of ${label}`,
      importance: ranges.map((at) => values[at]),
      regions: most.map(({ from, to }) => ({ peak_kev: (from + to) / 2 })),
      spectrumShare: SPECTRUM_SHARE,
      strip: "adds to the logit",
      says: (bin) => {
        const at = ranges[bin];
        return `${span(edges[at], edges[at + 1])} adds ${signed(values[at])}`;
      },
    });
  }
}

const span = (from, to) => `${from.toFixed(1)} to ${to.toFixed(1)} keV`;

/// The ranges that add most, and everything else so that it adds up to the logit.
function table({ label, base, logit, sum, ranges, most }, enlarge) {
  const row = (number, name, value) =>
    h("tr", {}, h("td", {}, number), h("td", {}, name), h("td", { class: "numeric" }, value));
  const rows = most.map((range, at) => {
    const words = span(range.from, range.to);
    const name = enlarge ? button(words, () => enlarge(range), { class: "link" }) : words;
    return row(String(at + 1), name, signed(range.value));
  });
  const others = ranges.length - most.length;
  const rest = sum - most.reduce((all, { value }) => all + value, 0);
  const heads = ["No.", "Range"].map((text) => h("th", { scope: "col" }, text));
  heads.push(h("th", { scope: "col", class: "numeric" }, "Adds to the logit"));
  const words =
    `The ${whole(most.length)} of ${whole(ranges.length)} ranges that add most to ${label} or take ` +
    `most from it${enlarge ? "; choose one to enlarge it" : ""}`;
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      {},
      h("caption", {}, words),
      h("thead", {}, h("tr", {}, heads)),
      h("tbody", {}, rows),
      h(
        "tfoot",
        {},
        others > 0 ? row("", `The ${whole(others)} others together`, signed(rest)) : null,
        row("", "With everything hidden", signed(base)),
        h("tr", { class: "sum" }, h("td", {}), h("td", {}, `Logit of ${label}`), h("td", { class: "numeric" }, signed(logit))),
      ),
    ),
  );
}
