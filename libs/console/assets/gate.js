// The gate as a picture: where the training spectra score, where the threshold lies, and where
// this spectrum stands.

import { h, svg } from "./elements.js";
import { number } from "./words.js";

const WIDTH = 560;
const HEIGHT = 118;
const BASE = 84;
const TOP = 26;
const BINS = 40;

/// A picture; `scores` are those of the training spectra, rising, or none.
export function gatePicture({ gate_score: score, gate_threshold: threshold }, scores = []) {
  const [low, high] = extent([...scores, score, threshold]);
  const x = (value) => 24 + ((value - low) / (high - low)) * (WIDTH - 48);
  const accepted = score >= threshold;
  return h(
    "figure",
    { class: "gate" },
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words(score, threshold, scores) },
      svg("rect", { class: "refused", x: 0, y: TOP, width: x(threshold), height: BASE - TOP }),
      bars(scores, low, high, x),
      svg("line", { class: "axis", x1: 0, x2: WIDTH, y1: BASE, y2: BASE }),
      svg("line", { class: "threshold", x1: x(threshold), x2: x(threshold), y1: TOP - 6, y2: BASE + 6 }),
      label(x(threshold), TOP - 10, `threshold ${number(threshold)}`, "soft"),
      svg("path", {
        class: accepted ? "score known" : "score unknown",
        d: `M ${x(score)} ${BASE} l 7 14 h -14 z`,
      }),
      label(x(score), BASE + 30, `this spectrum ${number(score)}`, "strong"),
    ),
  );
}

function words(score, threshold, scores) {
  const side = score >= threshold ? "at or above" : "below";
  const among = scores.length > 0 ? `, among ${scores.length} scores of training spectra` : "";
  return `Gate score ${number(score)}, ${side} the threshold ${number(threshold)}${among}.`;
}

function extent(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const margin = (high - low || Math.abs(high) || 1) * 0.06;
  return [low - margin, high + margin];
}

function bars(scores, low, high, x) {
  const counts = new Array(BINS).fill(0);
  for (const value of scores) {
    counts[Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS))] += 1;
  }
  const most = Math.max(1, ...counts);
  const width = (x(high) - x(low)) / BINS;
  return counts.map((count, at) => {
    const height = (count / most) * (BASE - TOP - 4);
    return count === 0
      ? null
      : svg("rect", {
          class: "training",
          x: x(low) + at * width + 0.5,
          y: BASE - height,
          width: width - 1,
          height,
        });
  });
}

function label(x, y, text, kind) {
  const anchor = x < 110 ? "start" : x > WIDTH - 110 ? "end" : "middle";
  const place = anchor === "start" ? Math.max(2, x - 12) : anchor === "end" ? Math.min(WIDTH - 2, x + 12) : x;
  return svg("text", { class: kind, x: place, y, "text-anchor": anchor }, text);
}
