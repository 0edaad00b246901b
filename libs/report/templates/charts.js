
"use strict";
(() => {
  // Charts: colour names in the figures are replaced by the theme's Okabe–Ito values.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const themes = {
    light: {
      ink: "#1d2228", faint: "#8a939d", grid: "#e3e6ea", blue: "#0072b2", sky: "#56b4e9",
      vermillion: "#d55e00", orange: "#e69f00", green: "#009e73", purple: "#cc79a7",
      page: "#ffffff",
    },
    dark: {
      ink: "#e8eaed", faint: "#8a939d", grid: "#2c333b", blue: "#56b4e9", sky: "#0072b2",
      vermillion: "#e69f00", orange: "#d55e00", green: "#009e73", purple: "#cc79a7",
      page: "#14171b",
    },
  };
  const painted = (value, theme) => {
    if (typeof value === "string") {
      return value.startsWith("@") && theme[value.slice(1)] ? theme[value.slice(1)] : value;
    }
    // Long lists of numbers have no colours in them.
    if (ArrayBuffer.isView(value) || typeof value?.[0] === "number") return value;
    if (Array.isArray(value)) return value.map((v) => painted(v, theme));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, painted(v, theme)]));
    }
    return value;
  };
  const draw = (figure, theme, width) => {
    const box = figure.querySelector(".chart");
    const spec = painted(JSON.parse(figure.querySelector("script").textContent), theme);
    const layout = dressed({
      ...spec.layout,
      height: Number(box.dataset.height),
      autosize: !width,
      width,
      margin: { l: 62, r: 40, t: spec.data.length > 1 ? 52 : 30, b: 48 },
    }, theme);
    return Plotly.react(box, spec.data, layout, options(figure.id, width));
  };
  // What every chart of the page has in common.
  const dressed = (layout, theme) => {
    layout = {
      modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: theme.faint, activecolor: theme.ink },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: theme.ink },
      hoverlabel: { bgcolor: theme.page, font: { color: theme.ink, family: getComputedStyle(document.body).fontFamily } },
      legend: { orientation: "h", yref: "container", y: 1, yanchor: "top", x: 0 },
      ...layout,
    };
    for (const key of Object.keys(layout).filter((k) => /^[xy]axis\d*$/.test(k))) {
      layout[key] = {
        gridcolor: theme.grid, linecolor: theme.faint, zeroline: false, automargin: true,
        ticks: "outside", tickcolor: theme.faint, showline: true, ...layout[key],
      };
    }
    return layout;
  };
  const options = (filename, width) => ({
    responsive: !width, displaylogo: false,
    displayModeBar: innerWidth < 640 ? false : undefined,
    modeBarButtonsToRemove: ["lasso2d", "select2d"],
    toImageButtonOptions: { filename, scale: 2 },
  });
  const figures = window.Plotly ? [...document.querySelectorAll("figure")]
    .filter((figure) => figure.querySelector(":scope > script")) : [];
  const drawAll = (theme, width) => figures.forEach((figure) => draw(figure, theme, width));
  const current = () => (dark.matches ? themes.dark : themes.light);
  drawAll(current());
  dark.addEventListener("change", () => drawAll(current()));
  addEventListener("beforeprint", () => drawAll(themes.light, 640));
  addEventListener("afterprint", () => drawAll(current()));
  window.openassay = { dark, current, light: themes.light, painted, dressed, options };
})();
