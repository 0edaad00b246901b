
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
    if (Array.isArray(value)) return value.map((v) => painted(v, theme));
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, painted(v, theme)]));
    }
    return value;
  };
  const draw = (figure, theme, width) => {
    const box = figure.querySelector(".chart");
    const spec = painted(JSON.parse(figure.querySelector("script").textContent), theme);
    const layout = {
      ...spec.layout,
      height: Number(box.dataset.height),
      autosize: !width,
      width,
      margin: { l: 62, r: 40, t: spec.data.length > 1 ? 52 : 30, b: 48 },
      modebar: { orientation: "v", bgcolor: "rgba(0,0,0,0)", color: theme.faint, activecolor: theme.ink },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: getComputedStyle(document.body).fontFamily, size: 13, color: theme.ink },
      hoverlabel: { bgcolor: theme.page, font: { color: theme.ink } },
      legend: { orientation: "h", yref: "container", y: 1, yanchor: "top", x: 0 },
    };
    for (const key of Object.keys(layout).filter((k) => /^[xy]axis\d*$/.test(k))) {
      layout[key] = {
        gridcolor: theme.grid, linecolor: theme.faint, zeroline: false, automargin: true,
        ticks: "outside", tickcolor: theme.faint, showline: true, ...layout[key],
      };
    }
    const options = { responsive: !width, displaylogo: false,
      displayModeBar: innerWidth < 640 ? false : undefined, modeBarButtonsToRemove: ["lasso2d", "select2d"],
      toImageButtonOptions: { filename: figure.id, scale: 2 } };
    return Plotly.react(box, spec.data, layout, options);
  };
  const figures = window.Plotly ? [...document.querySelectorAll("figure")] : [];
  const drawAll = (theme, width) => figures.forEach((figure) => draw(figure, theme, width));
  const current = () => (dark.matches ? themes.dark : themes.light);
  drawAll(current());
  dark.addEventListener("change", () => drawAll(current()));
  addEventListener("beforeprint", () => drawAll(themes.light, 640));
  addEventListener("afterprint", () => drawAll(current()));

  // Table: sorting by column and filters.
  for (const table of document.querySelectorAll("table[data-sortable]")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const key = (row, column) => {
      const cell = row.cells[column];
      return cell.classList.contains("number")
        ? Number(cell.dataset.value ?? NaN)
        : cell.textContent.trim();
    };
    const compare = (a, b) => {
      if (typeof a === "string") return a.localeCompare(b, "en", { numeric: true });
      return Number.isNaN(a) - Number.isNaN(b) || a - b;
    };
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((h) => h.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const sign = down ? -1 : 1;
        rows.sort((a, b) => sign * compare(key(a, column), key(b, column)));
        body.append(...rows);
      });
    });
    const controls = document.createElement("div");
    controls.className = "controls";
    controls.setAttribute("role", "search");
    const labelled = (text, control) => {
      const label = document.createElement("label");
      label.append(text + " ", control);
      controls.append(label);
      return control;
    };
    const search = labelled("Find", document.createElement("input"));
    search.type = "search";
    search.placeholder = "file, label, verdict …";
    const choose = labelled("Show", document.createElement("select"));
    for (const [value, text] of [["all", "all"], ["bad", "faults only"], ["warned", "with warnings"]]) {
      choose.add(new Option(text, value));
    }
    const shown = document.createElement("output");
    controls.append(shown);
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let count = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        const fits = words.every((word) => text.includes(word))
          && (choose.value !== "bad" || row.dataset.right === "false")
          && (choose.value !== "warned" || row.dataset.warned === "true");
        row.hidden = !fits;
        count += fits;
      }
      shown.textContent = `${count} of ${rows.length} shown`;
    };
    search.addEventListener("input", filter);
    choose.addEventListener("change", filter);
    filter();
    table.parentElement.before(controls);
  }
})();
