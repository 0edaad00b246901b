"use strict";
// The spectrum figure: scales of counts, zooming, cursor, and marks that other figures set.
(() => {
  const page = window.openassay;
  const { data, energies, importance, labels, traces, painted, number } = page;
  const { counts } = data.spectrum;
  const box = document.getElementById("spectrum-chart");
  const layer = document.getElementById("spectrum-marks");
  if (!window.Plotly || !box) return;
  const whole = [page.energy(-0.5), page.energy(counts.length - 0.5)];
  const state = { scale: "log", peaks: labels.peaks.length > 0, range: whole, elements: [], width: undefined, peakTrace: null };

  // `to` and `from` lead to the axis' own units, in which its range is given.
  const scales = {
    log: { of: (v) => Math.max(v, 0.5), to: (v) => Math.log10(Math.max(v, 0.5)), lift: (v) => v * 1.25 },
    sqrt: { of: Math.sqrt, to: Math.sqrt, lift: (v) => v * 1.02 },
    linear: { of: (v) => v, to: (v) => v, lift: (v) => v * 1.02 },
  };
  const short = (v) => (v >= 1e6 ? `${number(v / 1e6, 3)}M` : v >= 1e3 ? `${number(v / 1e3, 3)}k` : number(v, 3));
  const yAxis = () => {
    const [from, to] = state.range.map(page.channelAt);
    let [least, most] = [Infinity, 1];
    for (let c = from; c <= to; c += 1) {
      least = Math.min(least, counts[c]);
      most = Math.max(most, counts[c]);
    }
    const { to: place } = scales[state.scale];
    const low = state.scale === "log" ? place(Math.max(0.5, least / 2)) : 0;
    const high = low + Math.max(place(most) - low, 0.1) / (1 - (state.peaks ? 0.3 : 0.06));
    const axis = { range: [low, high], type: state.scale === "log" ? "log" : "linear" };
    if (state.scale === "sqrt") {
      const ticks = [0, 1, 2, 3, 4, 5].map((i) => Number(((high * i / 5) ** 2).toPrecision(1)));
      Object.assign(axis, { tickmode: "array", tickvals: ticks.map(Math.sqrt), ticktext: ticks.map(short) });
    } else {
      Object.assign(axis, { tickmode: state.scale === "log" ? "linear" : "auto", tick0: 0, tickvals: null, ticktext: null,
        exponentformat: "power", tickformat: state.scale === "linear" ? "~s" : "" });
      if (state.scale === "log" && high - low > 1.5) axis.dtick = 1;
      if (state.scale === "log" && high - low <= 1.5) {
        // Less than two decades: whole numbers at 1, 2 and 5 instead of powers.
        const decades = [0, 1, 2].map((d) => 10 ** (Math.floor(low) + d));
        const ticks = decades.flatMap((d) => [d, 2 * d, 5 * d]);
        Object.assign(axis, { tickmode: "array", tickvals: ticks, ticktext: ticks.map(short) });
      }
    }
    return axis;
  };
  const sizes = () => {
    const width = (state.width ?? box.clientWidth) - 90;
    return { width, height: importance ? 346 : 340 };
  };
  const moving = () => {
    const y = yAxis();
    const { width, height } = sizes();
    const [low, high] = state.range;
    const view = {
      low, high, widthPx: width, heightPx: height, yLow: y.range[0], yHigh: y.range[1],
      logarithmic: state.scale === "log", px: (kev) => (kev - low) / (high - low) * width,
    };
    const named = state.peaks ? labels.peakLabels(view, scales[state.scale].to) : { annotations: [], shapes: [] };
    return {
      y,
      peaks: state.peaks ? labels.shown(view) : [],
      ticks: labels.channelTicks(view),
      annotations: [...named.annotations, ...labels.lineLabels(view, state.elements), ...cellWords()],
      shapes: [...named.shapes, ...cells()],
    };
  };

  // Edges of the map's cells across the strip, and a bracket over the first one.
  const cellsShown = importance?.cell_width_kev ? Math.min(400, Math.round((importance.high - importance.low) / importance.cell_width_kev)) : 0;
  const cells = () => {
    const at = (i) => importance.low + importance.cell_width_kev * i;
    const line = (x0, x1, y0, y1, color, width) => ({
      type: "line", xref: "x", yref: "y2 domain", x0, x1, y0, y1, line: { color, width },
    });
    const edges = Array.from({ length: cellsShown ? cellsShown + 1 : 0 }, (_, i) =>
      ({ ...line(at(i), at(i), 0, 1, "@faint", 0.6), layer: "below" }));
    const first = firstCell();
    if (first === null) return edges;
    const [from, to] = [at(first), at(first + 1)];
    return [...edges, line(from, to, 1.14, 1.14, "@ink", 1.6),
      line(from, from, 1.04, 1.24, "@ink", 1.6), line(to, to, 1.04, 1.24, "@ink", 1.6)];
  };
  // The first cell that is wholly in view; none when the view is narrower than a cell.
  const firstCell = () => {
    const { low, cell_width_kev: width } = importance ?? {};
    const cell = Math.max(0, Math.ceil((state.range[0] - low) / width));
    return cell < cellsShown && low + width * (cell + 1) <= state.range[1] ? cell : null;
  };
  const cellWords = () => {
    if (!cellsShown) return [];
    const first = firstCell();
    const width = `${Math.round(importance.cell_width_kev)} keV`;
    const place = first === null
      ? { x: 0, xref: "paper", text: `one cell = ${width}, wider than this view` }
      : { x: importance.low + importance.cell_width_kev * (first + 1), xref: "x", text: `one cell = ${width}` };
    return [{ ...place, y: 1.14, yref: "y2 domain", xanchor: "left", yanchor: "middle", showarrow: false,
      font: { size: 12 }, xshift: 4 }];
  };

  const draw = (theme = page.current(), width = undefined) => {
    state.width = width;
    const { of, lift } = scales[state.scale];
    const { y, ticks, annotations, shapes, peaks } = moving();
    const list = [
      ...traces.spectrumTraces(of, theme), ...traces.importanceTraces(theme),
      ...traces.elementTraces(state.elements),
    ];
    state.peakTrace = state.peaks ? list.push(traces.peakTrace(peaks, of, lift, theme)) - 1 : null;
    const layout = page.dressed({
      height: importance ? 560 : 460, width, autosize: !width,
      margin: { l: 66, r: 24, t: 56, b: 50 }, hovermode: "x", hoverdistance: 6, dragmode: "zoom",
      paper_bgcolor: "@page", annotations, shapes, showlegend: false,
      xaxis: { title: { text: "energy / keV" }, range: [...state.range], anchor: importance ? "y2" : "y",
        tickformat: "d", hoverformat: ".1f" },
      xaxis2: { title: { text: "channel", standoff: 4 }, overlaying: "x", side: "top", matches: "x", anchor: "y",
        tickmode: "array", ...ticks, showgrid: false },
      yaxis: { title: { text: "counts per channel" }, domain: importance ? [0.23, 1] : [0, 1], fixedrange: true, ...y },
      yaxis3: { overlaying: "y", range: [0, 1], visible: false, fixedrange: true },
    }, theme);
    if (importance) {
      const top = importance.largest * 1.08 || 1;
      layout.yaxis2 = { ...layout.yaxis, title: { text: "importance", font: { size: 12 } }, domain: [0, 0.14], type: "linear",
        range: [-top, top], zeroline: true, zerolinecolor: theme.faint, fixedrange: true, nticks: 3,
        tickmode: "auto", tickvals: null, ticktext: null, tickformat: "", exponentformat: "power", dtick: null };
    }
    return Plotly.react(box, painted(list, theme), painted(layout, theme), page.options("spectrum", width)).then(place);
  };
  const move = () => {
    const { y, ticks, annotations, shapes, peaks } = moving();
    const layout = painted({
      "yaxis.range": y.range, "yaxis.tickmode": y.tickmode, "yaxis.tickvals": y.tickvals, "yaxis.ticktext": y.ticktext, "yaxis.dtick": y.dtick ?? null,
      "xaxis2.tickvals": ticks.tickvals, "xaxis2.ticktext": ticks.ticktext, annotations, shapes,
    }, page.current());
    if (state.peakTrace === null) return Plotly.relayout(box, layout);
    const { of, lift } = scales[state.scale];
    const { x, y: heights, text, marker } = traces.peakTrace(peaks, of, lift, page.current());
    return Plotly.update(box, { x: [x], y: [heights], text: [text], "marker.symbol": [marker.symbol],
      "marker.size": [marker.size], "marker.color": [marker.color] }, layout, [state.peakTrace]);
  };
  const show = (low, high) => {
    state.range = [Math.max(whole[0], low), Math.min(whole[1], high)];
    return Plotly.relayout(box, { "xaxis.range": [...state.range] });
  };

  // Marks lie over the figure: moving them must not draw sixteen thousand points again.
  const cursor = document.getElementById("cursor");
  const words = document.getElementById("cursor-words");
  const line = (kind, text) => {
    const element = document.createElement("div");
    element.className = `mark ${kind}`;
    element.append(Object.assign(document.createElement("span"), { textContent: text }));
    layer.append(element);
    return element;
  };
  const lines = { cursor: line("cursor-line", ""), row: line("row", "row"), column: line("column", "column") };
  const at = { cursor: null, row: null, column: null };
  const place = () => {
    const { xaxis, _size: size } = box._fullLayout;
    for (const [kind, element] of Object.entries(lines)) {
      const kev = at[kind];
      element.hidden = kev === null || kev < state.range[0] || kev > state.range[1];
      if (element.hidden) continue;
      element.style.cssText = `left:${xaxis._offset + xaxis.l2p(kev)}px;top:${size.t}px;height:${size.h}px`;
      element.classList.toggle("leftward", kev > 0.3 * state.range[0] + 0.7 * state.range[1]);
      if (kind !== "cursor") element.firstChild.textContent = `${kind} ${kev.toFixed(0)} keV`;
    }
  };
  const point = (channel) => {
    at.cursor = energies[channel];
    cursor.value = channel;
    const value = importance?.at(energies[channel]);
    const near = labels.peaks.find((p) => Math.abs(p.energy_kev - energies[channel]) < (p.fwhm_kev ?? 2));
    words.textContent = `${energies[channel].toFixed(1)} keV, channel ${channel}: ${counts[channel].toLocaleString("en")} counts`
      + (value === undefined ? "" : `, importance ${number(value, 3)}`)
      + (near ? `, peak ${labels.name(near)}` : "");
    cursor.setAttribute("aria-valuetext", words.textContent);
    place();
  };
  cursor.addEventListener("input", () => {
    const channel = Number(cursor.value);
    const [low, high] = state.range;
    if (energies[channel] < low || energies[channel] > high) {
      const half = (high - low) / 2;
      show(energies[channel] - half, energies[channel] + half);
    }
    point(channel);
  });
  page.watch(({ row, column }) => {
    Object.assign(at, { row, column });
    place();
  });

  draw().then(() => {
    box.on("plotly_hover", (event) => point(page.channelAt(event.xvals?.[0] ?? event.points[0].x)));
    box.on("plotly_relayout", (change) => {
      if (!("xaxis.range[0]" in change || "xaxis.range" in change || "xaxis.autorange" in change || "autosize" in change)) return;
      const all = change["xaxis.autorange"];
      const range = all ? whole : box._fullLayout.xaxis.range;
      state.range = [Math.max(whole[0], range[0]), Math.min(whole[1], range[1])];
      if (all) Plotly.relayout(box, { "xaxis.range": [...whole] }); else move().then(place);
    });
    new ResizeObserver(() => move().then(place)).observe(box);
  });
  for (const radio of document.querySelectorAll('input[name="scale"]')) {
    radio.addEventListener("change", () => { state.scale = radio.value; draw(); });
  }
  document.getElementById("show-peaks")?.addEventListener("change", (event) => {
    state.peaks = event.target.checked;
    draw();
  });
  document.getElementById("whole-range").addEventListener("click", () => show(...whole));
  for (const button of document.querySelectorAll("button[data-peak]")) {
    button.addEventListener("click", () => {
      const peak = labels.peaks[Number(button.dataset.peak)];
      const half = Math.max(30, 12 * (peak.fwhm_kev ?? 2));
      show(peak.energy_kev - half, peak.energy_kev + half);
      point(page.channelAt(peak.energy_kev));
      document.getElementById("spectrum-figure").scrollIntoView({ block: "center" });
      cursor.focus({ preventScroll: true });
    });
  }
  page.dark.addEventListener("change", () => draw());
  addEventListener("beforeprint", () => draw(page.light, 660));
  addEventListener("afterprint", () => draw());
  page.spectrum = { box, draw, setElements: (elements) => { state.elements = elements; draw(); } };
})();
