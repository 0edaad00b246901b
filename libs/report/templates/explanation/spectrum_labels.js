"use strict";
// What stands at the edges of the spectrum: labels of peaks and lines where there is room, channels.
(() => {
  const page = window.openassay;
  const { data, chartText, energies } = page;
  const peaks = (data.peaks?.peaks ?? []).map((peak, index) => ({ ...peak, index }));
  const weight = (peak) => Math.abs(peak.logit_change ?? 0);
  const ranked = [...peaks].sort((a, b) => weight(b) - weight(a) || b.net_area - a.net_area);
  const largest = Math.max(...peaks.map(weight), 0);
  const name = (peak) => {
    const first = peak.candidates[0]?.trim().split(/\s+/)[0] ?? "";
    return `${peak.energy_kev.toFixed(1)} ${first}${peak.candidates.length > 1 ? " …" : ""}`.trim();
  };
  const height = (peak) => {
    const channel = page.channelAt(peak.energy_kev);
    return Math.max(...data.spectrum.counts.slice(Math.max(0, channel - 3), channel + 4));
  };
  // First come, first served: a place is free when nothing stands within a distance.
  const places = () => {
    const taken = [];
    return (px, distance) => {
      if (taken.some((other) => Math.abs(other - px) < distance)) return false;
      taken.push(px);
      return true;
    };
  };

  // Peaks whose triangles do not cover each other; further in there are more.
  const shown = (view) => {
    const take = places();
    return ranked.filter(({ energy_kev: kev }) => kev >= view.low && kev <= view.high && take(view.px(kev), 9));
  };

  const peakLabels = (view, toAxis) => {
    const take = places();
    const annotations = [];
    const shapes = [];
    for (const peak of ranked) {
      const kev = peak.energy_kev;
      // A label at the very edge would run over the axis.
      const px = view.px(kev);
      if (px < 7 || px > view.widthPx - 7 || !take(px, 15)) continue;
      const text = name(peak);
      annotations.push({
        x: kev, xref: "x", y: 1, yref: "y domain", yanchor: "top", xanchor: "center", textangle: -90,
        text: chartText(text), showarrow: false, font: { size: 11 }, borderpad: 0, yshift: -2,
      });
      // The leader begins below the text, whose length is near enough to this.
      const share = 1 - (text.length * 6.3 + 12) / view.heightPx;
      const from = view.yLow + (view.yHigh - view.yLow) * share;
      const to = toAxis(height(peak)) + (view.yHigh - view.yLow) * 0.045;
      if (to < from) {
        const value = (v) => (view.logarithmic ? 10 ** v : v);
        shapes.push({
          type: "line", xref: "x", yref: "y", x0: kev, x1: kev, y0: value(from), y1: value(to),
          line: { color: "@faint", width: 0.7 }, layer: "below",
        });
      }
    }
    return { annotations, shapes };
  };

  const lineLabels = (view, elements) => {
    const take = places();
    return elements.flatMap((element) => element.lines.map((line) => ({ element, ...line })))
      .sort((a, b) => b.relative_strength - a.relative_strength)
      .filter(({ energy_kev: kev }) => kev >= view.low && kev <= view.high && take(view.px(kev), 24))
      .map(({ element, energy_kev: kev, relative_strength }) => ({
        x: kev, xref: "x", y: element.top(relative_strength), yref: "y3", yanchor: "bottom",
        text: `<b>${chartText(element.short)}</b>`, showarrow: false,
        font: { size: 12, color: element.colour }, bgcolor: "@page", borderpad: 0, opacity: 0.9,
      }));
  };

  // Round channels, about one per 110 px, at their energies.
  const channelTicks = (view) => {
    const [from, to] = [page.channelAt(view.low), page.channelAt(view.high)];
    const raw = (to - from) / Math.max(2, view.widthPx / 110);
    const decade = 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
    const step = Math.max(1, [1, 2, 5, 10].map((f) => f * decade).find((s) => s >= raw) ?? 10 * decade);
    const channels = [];
    for (let c = Math.ceil(from / step) * step; c <= to; c += step) channels.push(c);
    return { tickvals: channels.map((c) => energies[c]), ticktext: channels.map(String) };
  };
  page.labels = { peaks, weight, largest, name, height, shown, peakLabels, lineLabels, channelTicks };
})();
