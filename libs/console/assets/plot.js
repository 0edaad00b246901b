// A spectrum over energy on a canvas, coloured by what speaks for and against a class. What the
// colours say is drawn as heights below as well, so that it does not hang on seeing colours.

import { button, h } from "./elements.js";
import { Drawing, HEIGHT, PAD } from "./drawing.js";
import { lowerBound, nearest } from "./scales.js";
import { number } from "./words.js";

const FEWEST_BINS = 12;
const FEWEST_PIXELS = 6;

/// Figures so far: choices of one are not those of another.
let figures = 0;

/// A figure. `data`: energyKev (rising), heights (0 or more), unit of the heights, importance or
/// null, regions. What it may have: name of the figure; says, the words about the importance of a
/// bin; strip, what the heights of importance are, which then have numbers; spectrumShare, how much
/// of the height is above them.
export class Plot {
  constructor(data) {
    this.data = data;
    this.scale = "log";
    this.range = [data.energyKev[0], data.energyKev.at(-1)];
    this.cursor = null;
    this.group = `scale-${(figures += 1)}`;
    this.canvas = h("canvas", {
      tabindex: "0",
      role: "img",
      "aria-label":
        `${data.name ?? "Spectrum over energy"}. The arrow keys move a cursor whose values are ` +
        "read below; plus and minus zoom.",
    });
    this.readout = h("output", { class: "readout", "aria-live": "polite" }, this.hint());
    this.element = h("div", { class: "plot" }, this.controls(), this.canvas, this.readout);
    this.listen();
  }

  /// Shows other data over the same energies.
  show(data) {
    this.data = data;
    // What is read out at the cursor is of the new data.
    this.point(this.cursor === null ? null : data.energyKev[this.cursor]);
  }

  hint() {
    return "Point at the spectrum for values; drag over a part of it to enlarge it.";
  }

  controls() {
    const scales = ["log", "sqrt", "linear"].map((name) => {
      const input = h("input", { type: "radio", name: this.group, value: name, checked: name === this.scale });
      input.addEventListener("change", () => {
        this.scale = name;
        this.draw();
      });
      return h("label", { class: "choice" }, input, { log: "log", sqrt: "square root", linear: "linear" }[name]);
    });
    return h(
      "div",
      { class: "row plot-controls" },
      h("fieldset", { class: "choices" }, h("legend", {}, "Heights"), scales),
      h(
        "div",
        { class: "row" },
        button("Zoom in", () => this.zoom(0.5)),
        button("Zoom out", () => this.zoom(2)),
        button("Whole range", () => this.focus(-Infinity, Infinity)),
      ),
    );
  }

  listen() {
    const { canvas } = this;
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    const at = (event) => event.clientX - canvas.getBoundingClientRect().left;
    canvas.addEventListener("pointermove", (event) => {
      this.point(this.energyAt(at(event)));
      if (this.drag) this.drag[1] = at(event);
    });
    canvas.addEventListener("pointerdown", (event) => {
      this.drag = [at(event), at(event)];
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointerup", () => {
      const [from, to] = (this.drag ?? [0, 0]).toSorted((a, b) => a - b);
      this.drag = null;
      if (to - from >= FEWEST_PIXELS) this.focus(this.energyAt(from), this.energyAt(to));
      else this.draw();
    });
    canvas.addEventListener("pointercancel", () => {
      this.drag = null;
      this.draw();
    });
    canvas.addEventListener("pointerleave", () => {
      if (!this.drag) this.point(null);
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  key(event) {
    const { energyKev } = this.data;
    const step = event.shiftKey ? 20 : 1;
    const here = this.cursor ?? nearest(energyKev, (this.range[0] + this.range[1]) / 2);
    const moves = { ArrowLeft: -step, ArrowRight: step };
    if (event.key in moves) {
      const next = Math.min(energyKev.length - 1, Math.max(0, here + moves[event.key]));
      this.point(energyKev[next]);
    } else if (event.key === "+" || event.key === "-") {
      this.zoom(event.key === "+" ? 0.5 : 2);
    } else if (event.key === "Home") {
      this.focus(-Infinity, Infinity);
    } else {
      return;
    }
    event.preventDefault();
  }

  /// Shows this range of energies, no less than a few bins.
  focus(from, to) {
    const { energyKev } = this.data;
    const last = energyKev.length - 1;
    let [low, high] = [lowerBound(energyKev, from), Math.min(last, lowerBound(energyKev, to))];
    if (high - low < FEWEST_BINS) {
      const middle = Math.round((low + high) / 2);
      low = Math.max(0, middle - FEWEST_BINS / 2);
      high = Math.min(last, low + FEWEST_BINS);
    }
    this.range = [energyKev[low], energyKev[high]];
    this.draw();
  }

  zoom(factor) {
    const [low, high] = this.range;
    const middle = this.cursor === null ? (low + high) / 2 : this.data.energyKev[this.cursor];
    const half = ((high - low) * factor) / 2;
    this.focus(middle - half, middle + half);
  }

  point(energy) {
    const { energyKev, heights, importance, unit, says } = this.data;
    this.cursor = energy === null ? null : nearest(energyKev, energy);
    if (this.cursor === null) {
      this.readout.textContent = this.hint();
    } else {
      const words = [
        `${energyKev[this.cursor].toFixed(1)} keV`,
        `${number(heights[this.cursor])} ${unit}`,
      ];
      if (says) {
        words.push(says(this.cursor));
      } else if (importance) {
        const value = importance[this.cursor];
        const side = value > 0 ? "for" : "against";
        words.push(value === 0 ? "says nothing" : `importance ${number(value)} (${side} the class)`);
      }
      this.readout.textContent = words.join("   ·   ");
    }
    this.draw();
  }

  energyAt(x) {
    const width = this.canvas.clientWidth - PAD.left - PAD.right;
    const [low, high] = this.range;
    return low + ((high - low) * Math.min(width, Math.max(0, x - PAD.left))) / width;
  }

  draw() {
    const width = this.canvas.clientWidth;
    if (width === 0) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(HEIGHT * ratio);
    const ink = new Drawing(this, width, ratio);
    ink.axes();
    ink.columns();
    ink.regions();
    ink.marks();
  }
}

/// What the colours of a figure mean, in words.
export function legend(speaksFor, none, against) {
  const kinds = { for: speaksFor, none, against };
  return h(
    "p",
    { class: "legend small" },
    Object.entries(kinds).map(([kind, words]) =>
      h("span", {}, h("span", { class: `swatch ${kind}` }), words),
    ),
  );
}
