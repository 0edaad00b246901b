"use strict";
// Files from the page: tables as CSV, figures as PNG. They are made here; nothing is sent anywhere.
(() => {
  const page = window.openassay;
  const { data, energies } = page;
  const quoted = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const csv = (rows) => rows.map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
  const PEAK = ["energy_kev", "energy_sigma_kev", "net_area", "net_area_sigma", "fwhm_kev",
    "candidates", "logit_change", "gate_change", "rescales_image"];
  const tables = {
    classes: () => [["class", "probability", "logit"], ...[...data.verdict.classes]
      .sort((a, b) => b.probability - a.probability).map((c) => [c.class, c.probability, c.logit])],
    spectrum: () => [["channel", "energy_kev", "counts"],
      ...data.spectrum.counts.map((count, channel) => [channel, energies[channel], count])],
    importance: () => [["energy_kev", "importance"], ...data.importance.values
      .map((value, bin) => [data.importance.first_kev + data.importance.step_kev * bin, value])],
    peaks: () => [PEAK, ...data.peaks.peaks
      .map((peak) => PEAK.map((key) => (key === "candidates" ? peak.candidates.join("; ") : peak[key])))],
    gate_scores: () => [["score"], ...data.gate_scores.scores.map((score) => [score])],
    map: () => [["row", "column", "importance"], ...data.image.map.values
      .map((value, i) => [Math.floor(i / data.image.map.side), i % data.image.map.side, value])],
    shap: () => {
      const { segments } = data.shap.values;
      const classes = data.shap.classes.map((totals) => totals.class);
      if (segments) {
        return [["from_kev", "to_kev", ...classes], ...segments.edges_kev.slice(1)
          .map((to, i) => [segments.edges_kev[i], to, ...segments.values.map((list) => list[i])])];
      }
      const blocks = data.shap.values.image.blocks ?? [];
      return [["row_from_kev", "row_to_kev", "column_from_kev", "column_to_kev", ...classes], ...blocks
        .map((block) => [...block.row_kev, ...block.column_kev, ...block.values])];
    },
  };
  const stem = data.title.replace(/[^\p{L}\p{N}._-]+/gu, "_").slice(0, 80) || "explanation";
  const save = (name, blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${stem}.${name}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const chart = async (box, name, height) => {
    const address = await Plotly.toImage(box, { format: "png", scale: 2, width: 1200, height });
    const bytes = Uint8Array.from(atob(address.split(",")[1]), (c) => c.charCodeAt(0));
    save(name, new Blob([bytes], { type: "image/png" }));
  };
  const canvas = (one, name) => one.toBlob((blob) => save(name, blob), "image/png");
  const pictures = {
    spectrum: () => chart(document.getElementById("spectrum-chart"), "spectrum.png", data.importance ? 640 : 540),
    image: () => canvas(document.querySelector("#image-figure canvas"), "image.png"),
    "gate-place": () => chart(document.querySelector("#gate-place .chart"), "gate.png", 400),
    shap: () => {
      const box = document.getElementById("shap-chart");
      if (box) return chart(box, "shap.png", 60 + 150 * data.shap.classes.length);
      // The classes side by side, each under its name.
      const list = [...document.querySelectorAll("#shap canvas")];
      const [wide, tall] = [list[0].width, list[0].height];
      const all = Object.assign(document.createElement("canvas"), { width: wide * list.length, height: tall + 60 });
      const c = all.getContext("2d");
      const theme = page.current();
      c.fillStyle = theme.page;
      c.fillRect(0, 0, all.width, all.height);
      c.font = `bold 28px ${getComputedStyle(document.body).fontFamily}`;
      c.fillStyle = theme.ink;
      list.forEach((one, i) => {
        c.fillText(data.shap.classes[i].class, i * wide + 20, 40, wide - 40);
        c.drawImage(one, i * wide, 60);
      });
      return canvas(all, "shap.png");
    },
  };
  for (const button of document.querySelectorAll("button[data-csv]")) {
    button.addEventListener("click", () =>
      save(`${button.dataset.csv}.csv`, new Blob([csv(tables[button.dataset.csv]())], { type: "text/csv" })));
  }
  for (const button of document.querySelectorAll("button[data-png]")) {
    button.addEventListener("click", () => pictures[button.dataset.png]());
  }
})();
