// What each peak is worth, and the whole report: both are asked for by a button, for they take
// longer than an answer.

import { button, fill, h, save } from "./elements.js";
import { notice } from "./notice.js";
import { signed, whole } from "./words.js";

const PEAKS = "openassay.explain.v1.ExplainService/ExplainPeaks";
const REPORT = "openassay.explain.v1.ExplainService/RenderReport";

/// Runs of the network for every peak may take minutes on an image of full size.
const PATIENCE_S = 900;

/// Peaks that are listed; the report has all.
const LISTED = 12;

/// Both, each with a button in an `element` for a row and the `place` for what comes of it. `asked`
/// gives the request and the class, `shapley` how Shapley values are made for the report.
export function peakActions(page, asked, shapley) {
  const options = { timeoutS: PATIENCE_S, signal: page.signal };
  const peaks = action("What is each peak worth?", "Taking out one peak after the other …", async (place) => {
    fill(place, table(await page.client.call(PEAKS, asked(), options)));
  });
  const isFull = h("input", { type: "checkbox" });
  const report = action("Whole report", "Making the report …", async (place) => {
    const question = { ...asked(), shap: isFull.checked ? shapley() : null };
    const parts = [];
    for await (const part of page.client.stream(REPORT, question, options)) parts.push(part);
    const [{ media_type: type, file_name: name }] = parts;
    save(name, parts.map(({ chunk }) => chunk), type);
    fill(place, h("p", { class: "small" }, `${name} is saved; it opens in any browser, offline too.`));
  });
  report.element.append(h("label", { class: "choice" }, isFull, "with Shapley values"));
  return [peaks, report];
}

/// A button that does work whose words stand in its place meanwhile.
function action(text, words, work) {
  const place = h("div", { "aria-live": "polite" });
  const control = button(text, async () => {
    const isFocused = document.activeElement === control;
    control.disabled = true;
    fill(place, h("p", { class: "wait" }, words));
    place.scrollIntoView({ block: "nearest" });
    try {
      await work(place);
    } catch (error) {
      if (error.code !== "CANCELLED") fill(place, notice(error, () => control.click()));
    } finally {
      control.disabled = false;
      // A button that is disabled loses the focus.
      if (isFocused && document.activeElement === document.body) control.focus({ preventScroll: true });
    }
  });
  return { element: h("div", { class: "row" }, control), place };
}

function table({ label, peaks }) {
  const tested = peaks.filter(({ without }) => without);
  tested.sort((a, b) => a.without.logit_change - b.without.logit_change);
  const listed = tested.slice(0, LISTED);
  // Hardly ever; a column of nothing would be in the way on narrow screens.
  const rescales = listed.some(({ without }) => without.rescales);
  const rows = listed.map(({ energy_kev: energy, net_area_counts: area, candidates, without }) =>
    h(
      "tr",
      {},
      h("td", { class: "numeric" }, `${energy.toFixed(1)} keV`),
      h("td", {}, candidates[0]?.name ?? "no line known"),
      h("td", { class: "numeric" }, whole(Math.round(area))),
      h("td", { class: "numeric" }, signed(without.logit_change)),
      h("td", { class: "numeric" }, signed(without.gate_change)),
      rescales ? h("td", {}, without.rescales ? "rescales the image" : "") : null,
    ),
  );
  if (rows.length === 0) return h("p", {}, "No peak was found in the range that the model sees.");
  const heads = [
    ["Peak", "numeric"],
    ["May be", ""],
    ["Net area", "numeric"],
    [`${label} without it`, "numeric"],
    ["Gate without it", "numeric"],
  ];
  if (rescales) heads.push(["Remark", ""]);
  const words =
    `${peaks.length} peaks, ${tested.length} taken out one by one; those first without which ` +
    `${label} falls most. The report lists all.`;
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      {},
      h("caption", {}, words),
      h("thead", {}, h("tr", {}, heads.map(([text, kind]) => h("th", { scope: "col", class: kind }, text)))),
      h("tbody", {}, rows),
    ),
  );
}
