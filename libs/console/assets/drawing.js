// One drawing of a spectrum: places and colours, axes, columns, marks. What the reader does with it
// is in plot.js.

import { lowerBound, scale, ticks } from "./scales.js";
import { signed, tick } from "./words.js";

/// In pixels of the page.
export const HEIGHT = 380;
export const PAD = { left: 62, right: 12, top: 40, bottom: 40, gap: 14, words: 18 };
const SHARE_OF_SPECTRUM = 0.72;

/// One drawing of a plot: places and colours that hold for it.
export class Drawing {
  constructor(plot, width, ratio) {
    Object.assign(this, { plot, data: plot.data });
    this.context = plot.canvas.getContext("2d");
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.context.clearRect(0, 0, width, HEIGHT);
    this.context.font = "12px system-ui, sans-serif";
    this.step = 1 / ratio;
    this.width = width;
    this.left = PAD.left;
    this.right = width - PAD.right;
    const inner = HEIGHT - PAD.top - PAD.bottom;
    const { importance, spectrumShare = SHARE_OF_SPECTRUM, strip } = this.data;
    this.bottom = PAD.top + (importance ? inner * spectrumShare : inner);
    this.strip = [this.bottom + PAD.gap + (strip ? PAD.words : 0), HEIGHT - PAD.bottom];
    const style = getComputedStyle(plot.element);
    this.colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const { energyKev, heights } = this.data;
    this.first = lowerBound(energyKev, plot.range[0]);
    this.last = lowerBound(energyKev, plot.range[1]);
    let [low, high] = [Infinity, 0];
    for (let at = this.first; at <= this.last; at += 1) {
      if (heights[at] > high) high = heights[at];
      if (heights[at] > 0 && heights[at] < low) low = heights[at];
    }
    if (!(high > 0)) [low, high] = [1, 10];
    const floor = plot.scale === "log" ? Math.min(low, high / 10) : 0;
    this.vertical = scale(plot.scale, floor, high * (plot.scale === "log" ? 1.5 : 1.05));
    this.largest = 0;
    for (const value of importance ?? []) {
      this.largest = Math.max(this.largest, Math.abs(value));
    }
  }

  x(energy) {
    const [low, high] = this.plot.range;
    return this.left + ((energy - low) / (high - low)) * (this.right - this.left);
  }

  y(height) {
    return this.bottom - this.vertical.at(height) * (this.bottom - PAD.top);
  }

  line(x1, y1, x2, y2, colour, width = 1) {
    const { context } = this;
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    context.stroke();
  }

  text(words, x, y, align = "center", colour = "ink-soft") {
    this.context.fillStyle = this.colour(colour);
    this.context.textAlign = align;
    this.context.fillText(words, x, y);
  }

  axes() {
    const [low, high] = this.plot.range;
    const under = this.data.importance ? this.strip[1] : this.bottom;
    for (const energy of ticks(low, high, Math.max(4, this.width / 90))) {
      const x = this.x(energy);
      this.line(x, PAD.top, x, under, this.colour("grid"));
      const words = energy.toLocaleString("en");
      // Whole, also at the edge.
      const half = this.context.measureText(words).width / 2;
      this.text(words, Math.min(x, this.width - half), under + 16);
    }
    this.text("energy in keV", (this.left + this.right) / 2, HEIGHT - 6);
    for (const height of this.vertical.ticks(6)) {
      const y = this.y(height);
      this.line(this.left, y, this.right, y, this.colour("grid"));
      this.text(tick(height), this.left - 6, y + 4, "right");
    }
    this.text(this.data.unit, 4, 12, "left");
  }

  /// One column for each pixel of the screen: the highest of its bins, in the colour of the one
  /// that says most.
  columns() {
    const { heights, importance, energyKev } = this.data;
    const plain = this.colour("spectrum");
    const middle = (this.strip[0] + this.strip[1]) / 2;
    const reach = (this.strip[1] - this.strip[0]) / 2;
    const bins = this.last - this.first;
    // Whole pixels, so that no gaps stand between bins that are enlarged.
    const pixels = bins > 0 ? Math.ceil((this.right - this.left) / bins / this.step) : 1;
    const wide = pixels * this.step;
    let at = this.first;
    while (at <= this.last) {
      const x = Math.floor(this.x(energyKev[at]) / this.step) * this.step;
      let [height, said] = [0, 0];
      while (at <= this.last && this.x(energyKev[at]) < x + this.step) {
        height = Math.max(height, heights[at]);
        if (importance && Math.abs(importance[at]) > Math.abs(said)) said = importance[at];
        at += 1;
      }
      const share = this.largest > 0 ? said / this.largest : 0;
      this.context.fillStyle = importance ? this.shade(share) : plain;
      const y = this.y(height);
      this.context.fillRect(x, y, wide, this.bottom - y);
      if (importance) {
        this.context.fillStyle = this.colour(share >= 0 ? "for" : "against");
        const length = Math.abs(share) * reach;
        this.context.fillRect(x, share >= 0 ? middle - length : middle, wide, length);
      }
    }
    if (importance) {
      this.line(this.left, middle, this.right, middle, this.colour("ink-soft"));
      this.stripAxis(middle);
    }
    this.line(this.left, this.bottom, this.right, this.bottom, this.colour("ink-soft"));
  }

  /// What the heights of importance say: a side, or numbers where they have a meaning.
  stripAxis(middle) {
    const [top, bottom] = this.strip;
    const { strip } = this.data;
    const side = (words, y) => this.text(words, this.left - 6, y, "right");
    side(strip ? signed(this.largest, 2) : "for", top + 10);
    side(strip ? signed(-this.largest, 2) : "against", bottom - 1);
    if (strip) {
      side("0", middle + 4);
      this.text(strip, 4, top - 6, "left");
    }
  }

  /// A colour from grey to that of for or against; a square root, so that less than the most shows.
  shade(share) {
    const far = Math.round(100 * Math.sqrt(Math.abs(share)));
    const side = this.colour(share >= 0 ? "for" : "against");
    return `color-mix(in srgb, ${side} ${far}%, ${this.colour("spectrum")})`;
  }

  regions() {
    const [low, high] = this.plot.range;
    const places = [];
    (this.data.regions ?? []).forEach(({ peak_kev: peak }, index) => {
      if (peak < low || peak > high) return;
      const x = this.x(peak);
      const free = places.every((place) => Math.abs(place - x) > 14);
      if (!free) return;
      places.push(x);
      this.line(x, PAD.top - 4, x, PAD.top + 4, this.colour("ink"));
      this.text(String(index + 1), x, PAD.top - 8, "center", "ink");
    });
  }

  marks() {
    const { cursor, drag } = this.plot;
    if (cursor !== null) {
      const x = this.x(this.data.energyKev[cursor]);
      const under = this.data.importance ? this.strip[1] : this.bottom;
      if (x >= this.left && x <= this.right) this.line(x, PAD.top, x, under, this.colour("ink"));
    }
    if (drag) {
      this.context.fillStyle = this.colour("select");
      const [from, to] = drag.toSorted((a, b) => a - b);
      this.context.fillRect(from, PAD.top, to - from, this.bottom - PAD.top);
    }
  }
}
