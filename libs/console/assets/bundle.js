// A model bundle's description (bundle.json) and its model card in words.

import { cardText } from "./card.js";
import { facts, h } from "./elements.js";
import { detectorWords, laidOut, number, parsed, whole } from "./words.js";

/// What a bundle is made of; `gate` is the answer of DescribeGate, or null.
export function bundleWords(json, card, gate) {
  const read = parsed(json);
  const bundle = read?.contents ?? read;
  return [
    bundle ? summary(bundle, gate) : null,
    bundle ? h("div", { class: "columns" }, classes(bundle), metrics(bundle)) : null,
    h("details", {}, h("summary", {}, "Model card"), cardText(card)),
    h("details", {}, h("summary", {}, "bundle.json"), h("pre", {}, laidOut(json))),
  ];
}

function summary(bundle, gate) {
  const { training, base, head, versions } = bundle;
  const counts = training?.range?.total_counts;
  const energies = gate ? `${number(gate.energy_min_kev, 4)} to ${number(gate.energy_max_kev, 4)} keV` : "";
  return facts([
    ["Architecture", architecture(bundle.model)],
    ["Base", base ? `${base.name} (${base.licence})` : "none: trained as a whole"],
    ["Features", head?.features],
    ["Energies", energies],
    ["Gate", gate ? `${detectorWords(gate.detector)}, ${parameters(gate.parameters_json)}` : ""],
    ["Threshold", gate ? number(gate.threshold) : ""],
    ["Known spectra that may be refused", gate ? `${number(100 * gate.alpha)} %` : ""],
    ["Training data", training?.data ? h("code", { class: "digest", title: training.data }, training.data.slice(0, 12)) : ""],
    ["Counts in the training spectra", Array.isArray(counts) ? counts.map(whole).join(" to ") : ""],
    ["Made by", versions ? `OpenAssay ${versions.openassay}, ${versions.trainer}` : ""],
  ]);
}

function architecture(model) {
  if (typeof model === "string") return model;
  const kind = model?.kind ?? Object.keys(model ?? {})[0];
  return kind ?? "";
}

function parameters(json) {
  const values = parsed(json);
  if (!values || typeof values !== "object") return json;
  return Object.entries(values)
    .filter(([name, value]) => name !== "detector" && value !== null && typeof value !== "object")
    .map(([name, value]) => `${name} ${typeof value === "number" ? number(value) : value}`)
    .join(", ");
}

function classes({ training, classes: labels }) {
  const spectra = training?.spectra ?? {};
  return h(
    "div",
    {},
    h(
      "table",
      {},
      h("caption", {}, "Classes and their training spectra"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Class"), h("th", { scope: "col", class: "numeric" }, "Spectra"))),
      h(
        "tbody",
        {},
        (labels ?? []).map((label) =>
          h("tr", {}, h("th", { scope: "row" }, label), h("td", { class: "numeric" }, spectra[label] ?? "")),
        ),
      ),
    ),
  );
}

function metrics({ metrics: told }) {
  const values = Object.entries(told?.values ?? {});
  if (values.length === 0) return null;
  return h(
    "div",
    {},
    h(
      "table",
      {},
      h("caption", {}, "Figures of the training"),
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Figure"), h("th", { scope: "col", class: "numeric" }, "Value"))),
      h(
        "tbody",
        {},
        values.map(([name, value]) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, name.replaceAll("_", " ")),
            h("td", { class: "numeric" }, value === null ? "undefined" : number(value, 4)),
          ),
        ),
      ),
    ),
  );
}
