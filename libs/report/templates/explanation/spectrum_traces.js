"use strict";
// The lines of the spectrum figure: counts coloured by importance, peaks, lines of elements.
(() => {
  const page = window.openassay;
  const { data, energies, importance, evidenceColour, number, chartText, labels } = page;
  const { counts } = data.spectrum;
  const STEPS = 6;

  const level = (kev) => {
    const value = importance?.at(kev);
    if (value === undefined) return null;
    return importance.largest > 0 ? Math.round(value / importance.largest * STEPS) : 0;
  };
  // One trace per colour; a break between runs, and runs share the point where they meet.
  const runs = (of) => {
    const traces = new Map();
    const trace = (key) => {
      if (!traces.has(key)) traces.set(key, { x: [], y: [] });
      return traces.get(key);
    };
    let before;
    counts.forEach((count, channel) => {
      const key = level(energies[channel]);
      const { x, y } = trace(key);
      if (channel > 0 && key !== before) {
        x.push(null, energies[channel - 1]);
        y.push(null, of(counts[channel - 1]));
      }
      x.push(energies[channel]);
      y.push(of(count));
      before = key;
    });
    return traces;
  };

  const spectrumTraces = (of, theme) => {
    const lines = [...runs(of)].map(([key, points]) => ({
      ...points, type: "scatter", mode: "lines", hoverinfo: "skip", showlegend: false,
      line: {
        color: key === null ? (importance ? "@faint" : "@ink") : evidenceColour(key / STEPS, theme),
        width: key === null && importance ? 1 : 1.5,
      },
    }));
    const unit = importance ? chartText(importance.unit) : "";
    const pointer = {
      type: "scatter", mode: "lines", x: energies, y: counts.map(of), showlegend: false,
      line: { width: 0, color: "rgba(0,0,0,0)" },
      text: counts.map((count, channel) => {
        const value = importance?.at(energies[channel]);
        return `${energies[channel].toFixed(2)} keV, channel ${channel}<br>${count.toLocaleString("en")} counts`
          + (importance ? `<br>importance ${value === undefined ? "–" : `${number(value, 3)} ${unit}`}` : "");
      }),
      hovertemplate: "%{text}<extra></extra>", hoverlabel: { align: "left" },
    };
    // An axis is drawn only where something stands on it.
    const channels = { type: "scatter", x: [energies[0]], y: [null], xaxis: "x2", showlegend: false, hoverinfo: "skip" };
    return [...lines, pointer, channels];
  };

  const importanceTraces = (theme) => {
    if (!importance) return [];
    const x = importance.values.map((_, bin) => importance.first_kev + importance.step_kev * bin);
    return [1, -1].map((sign) => ({
      type: "scatter", mode: "lines", x, y: importance.values.map((v) => (v * sign > 0 ? v : 0)),
      yaxis: "y2", fill: "tozeroy", fillcolor: evidenceColour(sign, theme), showlegend: false,
      line: { width: 0, color: evidenceColour(sign, theme) }, hoverinfo: "skip",
    }));
  };

  const peakTrace = (peaks, of, lift, theme) => {
    // What is lost without a peak speaks for the class.
    const worth = (peak) => -(peak.logit_change ?? 0);
    return {
      type: "scatter", mode: "markers", showlegend: false, cliponaxis: false,
      x: peaks.map((p) => p.energy_kev),
      y: peaks.map((p) => lift(of(labels.height(p)))),
      marker: {
        symbol: peaks.map((p) => (worth(p) < 0 ? "triangle-down" : "triangle-up")),
        size: peaks.map((p) => 6 + (labels.largest > 0 ? 8 * Math.sqrt(labels.weight(p) / labels.largest) : 0)),
        color: peaks.map((p) => evidenceColour(Math.sign(worth(p)), theme)),
        line: { color: "@page", width: 0.8 }, opacity: 1,
      },
      text: peaks.map((p) => [
        `<b>peak ${p.energy_kev.toFixed(2)}${p.energy_sigma_kev ? ` ± ${number(p.energy_sigma_kev, 2)}` : ""} keV</b>`,
        `net area ${number(p.net_area)} ± ${number(p.net_area_sigma, 2)}`,
        p.fwhm_kev ? `FWHM ${p.fwhm_kev.toFixed(2)} keV` : "",
        chartText(p.candidates.join(", ")),
        p.logit_change === null ? "" : `without it: logit ${number(p.logit_change)}`,
        p.gate_change === null ? "" : `without it: gate score ${number(p.gate_change)}`,
        p.rescales_image ? "removing it rescales the image" : "",
      ].filter(Boolean).join("<br>")),
      hovertemplate: "%{text}<extra></extra>", hoverlabel: { align: "left" },
    };
  };

  const elementTraces = (elements) => elements.map((element) => ({
    type: "scatter", mode: "lines", yaxis: "y3", showlegend: false,
    x: element.lines.flatMap((l) => [l.energy_kev, l.energy_kev, null]),
    y: element.lines.flatMap((l) => [0, element.top(l.relative_strength), null]),
    text: element.lines.flatMap((l) => {
      const text = `<b>${chartText(element.element)}</b> ${l.energy_kev} keV, strength ${number(l.relative_strength, 3)}`;
      return [text, text, null];
    }),
    line: { color: element.colour, width: 1.6, dash: element.dash },
    hovertemplate: "%{text}<extra></extra>",
  }));
  page.traces = { spectrumTraces, importanceTraces, peakTrace, elementTraces };
})();
