// An answer about a spectrum in words: known or UNKNOWN, how sure, and what makes it less certain.

import { digest, facts, h, svg } from "./elements.js";
import { gatePicture } from "./gate.js";
import { count, detectorWords, duration, moment, number, percent, whole } from "./words.js";

const SHOWN = 6;

/// Whether the gate accepts it.
export const isKnown = (answer) => answer.verdict === "VERDICT_KNOWN";

/// The answer in one word: a material, or UNKNOWN.
export const verdictWord = (answer) => (isKnown(answer) ? answer.label : "UNKNOWN");

/// The probability of the most probable class.
export const bestProbability = (answer) => Math.max(...answer.class_probabilities);

/// Everything that makes an answer less certain, each once.
export function warningsOf({ put, answer }) {
  const all = [...(put?.warnings ?? []), ...(answer?.warnings ?? [])];
  const seen = new Set();
  return all.filter(({ code, message }) => {
    const key = `${code} ${message}`;
    return !seen.has(key) && seen.add(key);
  });
}

/// The whole answer.
export function verdictCard(result, gate) {
  const { answer } = result;
  const known = isKnown(answer);
  return h(
    "section",
    { class: `card verdict ${known ? "known" : "unknown"}`, "aria-label": `Answer about ${result.name}` },
    h(
      "div",
      { class: "verdict-words" },
      h("p", { class: "file-name" }, result.name),
      h("p", { class: "kicker" }, known ? "✓ Known material" : "? Not a known material"),
      h("p", { class: "headline" }, verdictWord(answer)),
      h("p", {}, meaning(answer)),
      warnings(result),
    ),
    h(
      "div",
      { class: "columns" },
      h("div", {}, h("h3", {}, "Gate"), gatePicture(answer, gate?.training_scores), gateWords(answer)),
      h("div", {}, h("h3", {}, "Probabilities of the classes"), probabilities(answer)),
    ),
  );
}

function meaning(answer) {
  const sure = percent(bestProbability(answer));
  if (isKnown(answer)) {
    return `It is like the spectra of ${answer.label} that the model has learned. Among its classes the probability is ${sure}.`;
  }
  return (
    `It is unlike every one of the ${answer.class_labels.length} materials that this model has learned. ` +
    `The nearest class is ${answer.closed_set_label} (${sure} among the classes), but that is not what it is taken for.`
  );
}

function warnings(result) {
  const all = warningsOf(result);
  if (all.length === 0) return null;
  return h(
    "ul",
    { class: "warnings", "aria-label": "Warnings" },
    all.map(({ message }) => h("li", {}, message)),
  );
}

function gateWords(answer) {
  const side = isKnown(answer) ? "At or above the threshold: accepted." : "Below the threshold: refused.";
  return [
    h("p", {}, side, ` Detector: ${detectorWords(answer.detector)}.`),
    h(
      "p",
      {},
      `p-value ${number(answer.p_value)}: about ${percent(answer.p_value)} of `,
      `${whole(answer.p_value_n)} training spectra score as low or lower.`,
    ),
  ];
}

function probabilities(answer) {
  const rows = answer.class_labels
    .map((label, at) => ({ label, probability: answer.class_probabilities[at] }))
    .sort((a, b) => b.probability - a.probability);
  const rest = rows.slice(SHOWN);
  return [
    bars(rows.slice(0, SHOWN)),
    rest.length > 0
      ? h("details", {}, h("summary", {}, count(rest.length, "more class", "more classes")), bars(rest))
      : null,
    isKnown(answer)
      ? null
      : h("p", { class: "small" }, "They add up to 100 % even for a material that the model has never seen."),
  ];
}

function bars(rows) {
  return h(
    "ul",
    { class: "bars" },
    rows.map(({ label, probability }) =>
      h(
        "li",
        {},
        h("span", { class: "bar-label" }, label),
        svg(
          "svg",
          { class: "bar", "aria-hidden": "true" },
          svg("rect", { class: "bar-all", width: "100%", height: "100%", rx: 3 }),
          svg("rect", { class: "bar-part", width: `${100 * probability}%`, height: "100%", rx: 3 }),
        ),
        h("span", { class: "bar-value" }, percent(probability)),
      ),
    ),
  );
}

/// What the file says about the measurement, and how the answer came about.
export function measurement(result) {
  const { put, answer } = result;
  const spectrum = put?.spectrum;
  const dead = spectrum?.dead_time_fraction;
  const time = (seconds) => (seconds > 0 ? duration(seconds) : "not given");
  return h(
    "details",
    { class: "card" },
    h("summary", {}, "Measurement and provenance"),
    facts([
      ["File", result.name],
      ["Format", spectrum?.format.toUpperCase()],
      ["Channels", spectrum && whole(spectrum.channels)],
      ["Counts", spectrum && whole(spectrum.total_counts)],
      ["Live time", spectrum && time(spectrum.live_time_s)],
      ["Real time", spectrum && time(spectrum.real_time_s)],
      ["Dead time", dead >= 0 ? percent(dead) : "not given"],
      ["Start", spectrum?.start_time || "not given"],
      ["Further spectra in the file", spectrum?.further_records ? whole(spectrum.further_records) : ""],
      ["Spectrum", digest(answer.spectrum_digest)],
      ["Model bundle", digest(answer.bundle)],
      ["Answered", moment(result.at)],
      ["Time for features", duration(answer.features_s)],
      ["Time in all", duration(answer.read_s + answer.preprocess_s + answer.features_s + answer.decide_s)],
    ]),
  );
}
