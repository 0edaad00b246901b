"use strict";
// The image with its map, and Shapley values as images or as bars over energy.
(() => {
  const page = window.openassay;
  const { data, levels, number, palette, chartText } = page;
  const TOP = 254;
  // A small canvas of its own holds the pixels; drawing it scales it.
  const pixels = (side, colour) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: side, height: side });
    const context = canvas.getContext("2d");
    const image = context.createImageData(side, side);
    for (let i = 0; i < side * side; i += 1) image.data.set(colour(i), 4 * i);
    context.putImageData(image, 0, 0);
    return canvas;
  };
  const perTheme = (make) => {
    const made = new Map();
    return (theme) => {
      if (!made.has(theme)) made.set(theme, make(theme));
      return made.get(theme);
    };
  };
  const raster = ({ source_side: source, block, low, high, levels: text }) => {
    const list = levels(text);
    return { source, block, low, high, list, side: Math.ceil(source / block), value: (i) => low + (high - low) * list[i] / TOP };
  };
  const side = (relative) => (relative < 0 ? "against" : "for");

  if (data.image) {
    const { image } = data;
    const field = raster(image.pixels);
    // Black would hide the map, so the lowest value is a dark grey.
    const grey = pixels(field.side, (i) => {
      const shade = 60 + field.list[i] / TOP * 195;
      return [shade, shade, shade, 255];
    });
    const { map } = image;
    const largest = map ? map.values.reduce((m, v) => Math.max(m, Math.abs(v)), 0) || 1 : 1;
    const over = map && pixels(map.side, (i) => {
      const relative = map.values[i] / largest;
      return [...palette(page.light)[side(relative)], 255 * Math.sqrt(Math.abs(relative))];
    });
    const opacity = document.getElementById("opacity");
    const heat = page.heat({
      canvas: document.querySelector("#image-figure canvas"), source: field.source, block: field.block,
      low: image.low_kev, high: image.high_kev, strip: 44, most: 760,
      paint: (c, x, y, size, reach) => {
        c.drawImage(grey, x, y, reach, reach);
        if (!over) return;
        c.globalAlpha = opacity.value / 100;
        c.drawImage(over, x, y, size, size);
        c.globalAlpha = 1;
      },
      describe: (row, column) => {
        let text = `image ${number(field.value(row * field.side + column), 2)}`;
        if (map) {
          // Where the pixel's middle lies among the map's cells.
          const cell = (p) => Math.min(map.side - 1, Math.floor((p + 0.5) * field.block / field.source * map.side));
          const value = map.values[cell(row) * map.side + cell(column)];
          text += `, map ${number(value, 3)}, ${value ? `${side(value)} ${data.explained_class}` : "no evidence"}`;
        }
        return text;
      },
    });
    opacity?.addEventListener("input", () => {
      document.getElementById("opacity-words").textContent = `${opacity.value} %`;
      heat.draw();
    });
  }

  const shap = data.shap;
  const range = document.getElementById("shap-range");
  if (shap?.values.image) {
    const { low_kev: low, high_kev: high, rasters } = shap.values.image;
    const images = rasters.map(raster);
    range.textContent = `−${number(images[0].high, 3)} (against) to ${number(images[0].high, 3)} (for) per shown pixel, the same for every class; depth of colour grows with the root`;
    for (const canvas of document.querySelectorAll("#shap canvas")) {
      const image = images[Number(canvas.dataset.class)];
      const made = perTheme((theme) => pixels(image.side, (i) => {
        const relative = image.value(i) / image.high;
        return [...palette(theme)[side(relative)], 255 * Math.sqrt(Math.abs(relative))];
      }));
      page.heat({
        canvas, source: image.source, block: image.block, low, high, strip: 22, most: 460,
        paint: (c, x, y, size, reach, theme) => c.drawImage(made(theme), x, y, reach, reach),
        describe: (row, column) => number(image.value(row * image.side + column), 3),
      });
    }
  }
  if (shap?.values.segments && window.Plotly) bars(shap);

  function bars({ classes, values: { segments: { edges_kev: edges, values } } }) {
    const box = document.getElementById("shap-chart");
    const largest = values.flat().reduce((m, v) => Math.max(m, Math.abs(v)), 0) || 1;
    range.textContent = `−${number(largest, 3)} (against) to ${number(largest, 3)} (for) per range of energy, the same axis for every class`;
    const middles = edges.slice(1).map((edge, i) => (edge + edges[i]) / 2);
    const widths = edges.slice(1).map((edge, i) => edge - edges[i]);
    // The spectrum behind the bars, one point per kilo-electronvolt or so.
    const behind = { x: [], y: [] };
    const stride = Math.max(1, Math.floor(page.energies.length / 3000));
    const { counts } = data.spectrum;
    for (let c = page.channelAt(edges[0]); c < page.channelAt(edges[edges.length - 1]); c += stride) {
      behind.x.push(page.energies[c]);
      behind.y.push(Math.max(0.5, ...counts.slice(c, c + stride)));
    }
    const draw = (theme = page.current(), width = undefined) => {
      const traces = [];
      const layout = { height: 60 + 150 * classes.length, width, autosize: !width, margin: { l: 66, r: 24, t: 20, b: 50 },
        bargap: 0, hovermode: "closest", paper_bgcolor: theme.page, annotations: [],
        xaxis: { title: { text: "energy / keV" }, tickformat: "d", anchor: `y${2 * classes.length - 1}` } };
      classes.forEach((totals, i) => {
        const [front, back] = [2 * i + 1, 2 * i + 2];
        const domain = [1 - (i + 1) / classes.length, 1 - (i + 0.16) / classes.length];
        const key = (n) => (n === 1 ? "" : String(n));
        layout[`yaxis${key(front)}`] = { domain, range: [-1.1 * largest, 1.1 * largest], nticks: 5, zeroline: true, zerolinecolor: theme.faint, fixedrange: true };
        layout[`yaxis${back}`] = { domain, overlaying: `y${key(front)}`, type: "log", visible: false, fixedrange: true };
        traces.push({ type: "scatter", mode: "lines", ...behind, yaxis: `y${back}`, hoverinfo: "skip", showlegend: false,
          line: { color: theme.faint, width: 0.8 } });
        traces.push({ type: "bar", x: middles, width: widths, y: values[i], yaxis: `y${key(front)}`, showlegend: false, opacity: 0.85,
          marker: { color: values[i].map((v) => page.evidenceColour(Math.sign(v), theme)) },
          text: values[i].map((v, k) => `${edges[k].toFixed(0)}–${edges[k + 1].toFixed(0)} keV: ${number(v, 3)}`), textposition: "none",
          hovertemplate: "%{text}<extra></extra>" });
        layout.annotations.push({ x: 1, xref: "paper", xanchor: "right", y: 1, yref: `y${key(front)} domain`, yanchor: "bottom",
          text: `<b>${chartText(totals.class)}</b>`, showarrow: false });
      });
      return Plotly.react(box, traces, page.dressed(layout, theme), page.options("shap", width));
    };
    draw();
    page.dark.addEventListener("change", () => draw());
    addEventListener("beforeprint", () => draw(page.light, 660));
    addEventListener("afterprint", () => draw());
  }
})();
