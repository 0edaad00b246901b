"use strict";
// The explanation as data: energies, colours of evidence, and the marks that all figures share.
(() => {
  const page = window.openassay;
  const data = JSON.parse(document.getElementById("explanation").textContent);
  const { counts, calibration } = data.spectrum;
  const energy = (channel) =>
    (calibration.quadratic_kev * channel + calibration.slope_kev) * channel + calibration.intercept_kev;
  const energies = Float64Array.from(counts, (_, channel) => energy(channel));
  // Channel whose centre lies nearest to an energy; energies rise, so halving finds it.
  const channelAt = (kev) => {
    let [low, high] = [0, counts.length - 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (energies[middle] <= kev) low = middle; else high = middle;
    }
    return kev - energies[low] <= energies[high] - kev ? low : high;
  };
  const importance = data.importance && (() => {
    const { first_kev, step_kev, values } = data.importance;
    const low = first_kev - step_kev / 2;
    return {
      ...data.importance, low, high: low + step_kev * values.length,
      largest: values.reduce((m, v) => Math.max(m, Math.abs(v)), 0),
      at: (kev) => values[Math.floor((kev - low) / step_kev)],
    };
  })();

  // Orange and blue differ for every colour vision; grey is no evidence.
  const palettes = {
    light: { none: [150, 157, 166], for: [200, 78, 0], against: [0, 90, 170] },
    dark: { none: [125, 135, 146], for: [255, 157, 77], against: [109, 182, 255] },
  };
  const palette = (theme) => palettes[theme === page.light ? "light" : "dark"];
  const evidenceColour = (relative, theme) => {
    const { none, for: pro, against } = palette(theme);
    const full = relative < 0 ? against : pro;
    const share = Math.sqrt(Math.min(1, Math.abs(relative)));
    return `rgb(${none.map((v, i) => Math.round(v + (full[i] - v) * share)).join(",")})`;
  };

  const number = (value, digits = 4) =>
    (value === undefined || value === null ? "–" : String(Number(value.toPrecision(digits))))
      .replace("-", "\u2212");
  const chartText = (text) =>
    String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const levels = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

  // Energies of row and column that are marked in every figure.
  const marks = { row: null, column: null, pinned: false };
  const watchers = [];
  const mark = (change) => {
    Object.assign(marks, change);
    watchers.forEach((watch) => watch(marks));
  };
  Object.assign(page, {
    data, energies, energy, channelAt, importance, palette, evidenceColour, number, chartText, levels,
    marks, mark, watch: (watcher) => watchers.push(watcher),
  });
})();
