// What each peak is worth, and the whole report: both are asked for by a button, for they take
// longer than an answer.

import { button, fill, h, save } from "./elements.js";
import { notice } from "./notice.js";
import { number, whole } from "./words.js";

const PEAKS = "openassay.explain.v1.ExplainService/ExplainPeaks";
const REPORT = "openassay.explain.v1.ExplainService/RenderReport";

/// Runs of the network for every peak may take minutes on an image of full size.
const PATIENCE_S = 900;

/// Peaks that are listed; the report has all.
const LISTED = 12;

/// Two buttons for a row, and the place below it. `asked` gives the request and the class.
export function peakActions(page, asked) {
  const place = h("div", { "aria-live": "polite" });
  const run = (control, words, work) => async () => {
    control.disabled = true;
    fill(place, h("p", { class: "wait" }, words));
    try {
      await work();
    } catch (error) {
      if (error.code !== "CANCELLED") fill(place, notice(error, () => control.click()));
    } finally {
      control.disabled = false;
    }
  };
  const call = (method) =>
    page.client.call(method, asked(), { timeoutS: PATIENCE_S, signal: page.signal });
  const peaks = button("What is each peak worth?", () => weigh());
  const weigh = run(peaks, "Taking out one peak after the other …", async () => {
    fill(place, table(await call(PEAKS)));
  });
  const report = button("Whole report", () => fetchReport());
  const fetchReport = run(report, "Making the report …", async () => {
    const parts = [];
    const options = { timeoutS: PATIENCE_S, signal: page.signal };
    for await (const part of page.client.stream(REPORT, asked(), options)) parts.push(part);
    const [{ media_type: type, file_name: name }] = parts;
    save(name, parts.map(({ chunk }) => chunk), type);
    fill(place, h("p", { class: "small" }, `${name} is saved; it opens in any browser, offline too.`));
  });
  return { buttons: [peaks, report], place };
}

function table({ label, peaks }) {
  const tested = peaks.filter(({ without }) => without);
  tested.sort((a, b) => a.without.logit_change - b.without.logit_change);
  const rows = tested.slice(0, LISTED).map(({ energy_kev: energy, net_area_counts: area, candidates, without }) =>
    h(
      "tr",
      {},
      h("td", { class: "numeric" }, `${energy.toFixed(1)} keV`),
      h("td", {}, candidates[0]?.name ?? "no line known"),
      h("td", { class: "numeric" }, whole(Math.round(area))),
      h("td", { class: "numeric" }, signed(without.logit_change)),
      h("td", { class: "numeric" }, signed(without.gate_change)),
      h("td", {}, without.rescales ? "rescales the image" : ""),
    ),
  );
  if (rows.length === 0) return h("p", {}, "No peak was found in the range that the model sees.");
  const heads = [
    ["Peak", "numeric"],
    ["May be", ""],
    ["Net area", "numeric"],
    [`${label} without it`, "numeric"],
    ["Gate without it", "numeric"],
    ["", ""],
  ].map(([text, kind]) => h("th", { scope: "col", class: kind }, text));
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
      h("thead", {}, h("tr", {}, heads)),
      h("tbody", {}, rows),
    ),
  );
}

const signed = (value) => (value > 0 ? `+${number(value)}` : number(value));
