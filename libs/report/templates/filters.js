"use strict";
// The table of single spectra: find by words, show faults or warnings only.
(() => {
  for (const table of document.querySelectorAll("table.spectra")) {
    const rows = [...table.tBodies[0].rows];
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
