// The files of an identification: how they come in, the table of their answers, and that table as
// a file.

import { button, h, save } from "./elements.js";
import { bestProbability, isKnown, verdictWord, warningsOf } from "./verdict.js";
import { count, number, percent } from "./words.js";

/// What spectrum files are called. The server goes by their content.
const ENDINGS = ".spe,.csv,.chn,.n42,.xml,.txt";

/// A place to drop files on, or to choose them.
export function dropZone(take) {
  const input = h("input", {
    type: "file",
    id: "files",
    multiple: true,
    accept: ENDINGS,
    class: "visually-hidden",
    onchange: () => {
      take([...input.files]);
      // So that the same file can be chosen again.
      input.value = "";
    },
  });
  const zone = h(
    "div",
    { class: "drop" },
    input,
    h(
      "label",
      { for: "files", class: "drop-label" },
      h("span", { class: "drop-title" }, "Drop spectrum files here, or choose them"),
      h("span", { class: "small" }, "SPE, CSV, CHN or N42; one or many. They go to this server only."),
    ),
  );
  const over = (on) => (event) => {
    event.preventDefault();
    zone.classList.toggle("over", on);
  };
  zone.addEventListener("dragenter", over(true));
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", (event) => {
    over(false)(event);
    take([...event.dataTransfer.files]);
  });
  return zone;
}

/// All answers, one row each. `choose` shows one.
export function answerTable(results, chosen, choose) {
  const done = results.filter(({ answer }) => answer);
  const unknown = done.filter(({ answer }) => !isKnown(answer)).length;
  const failed = results.filter(({ error }) => error).length;
  const words = [
    count(results.length, "file"),
    `${done.length - unknown} known`,
    `${unknown} UNKNOWN`,
    failed > 0 ? `${failed} not answered` : null,
    results.length - done.length - failed > 0 ? `${results.length - done.length - failed} to go` : null,
  ];
  const heads = ["File", "Answer", "Nearest class"].map((text) => h("th", { scope: "col" }, text));
  for (const text of ["Probability", "p-value", "Warnings"]) {
    heads.push(h("th", { scope: "col", class: "numeric" }, text));
  }
  return h(
    "section",
    { class: "card", "aria-label": "Answers" },
    h(
      "div",
      { class: "row apart" },
      h("p", { "aria-live": "polite" }, words.filter(Boolean).join(" · ")),
      button("Save as CSV", () => save("answers.csv", [csv(results)], "text/csv"), {
        disabled: done.length === 0,
      }),
    ),
    h(
      "div",
      { class: "scroll tall answers" },
      h(
        "table",
        {},
        h("caption", { class: "visually-hidden" }, "Answers; choose a file to see more about it"),
        h("thead", {}, h("tr", {}, heads)),
        h("tbody", {}, results.map((result) => row(result, result === chosen, choose))),
      ),
    ),
  );
}

function row(result, isChosen, choose) {
  const { answer, error, name } = result;
  const file = h(
    "th",
    { scope: "row" },
    button(name, () => choose(result), { class: "link", "aria-pressed": String(isChosen) }),
  );
  if (!answer) {
    const words = error ? `${error.title ?? "Failed"}: ${error.message}` : "being answered …";
    return h("tr", { class: isChosen ? "chosen" : null }, file, h("td", { colspan: "5" }, words));
  }
  const known = isKnown(answer);
  return h(
    "tr",
    { class: isChosen ? "chosen" : null },
    file,
    h("td", {}, h("span", { class: `badge ${known ? "known" : "unknown"}` }, (known ? "✓ " : "? ") + verdictWord(answer))),
    h("td", {}, answer.closed_set_label),
    h("td", { class: "numeric" }, percent(bestProbability(answer))),
    h("td", { class: "numeric" }, number(answer.p_value)),
    h("td", { class: "numeric" }, String(warningsOf(result).length || "")),
  );
}

function csv(results) {
  const head = "file,answer,nearest_class,probability,gate_score,gate_threshold,p_value,spectrum,bundle,error";
  const lines = results.map(({ name, answer, error }) => {
    const cells = answer
      ? [
          name,
          verdictWord(answer),
          answer.closed_set_label,
          bestProbability(answer),
          answer.gate_score,
          answer.gate_threshold,
          answer.p_value,
          answer.spectrum_digest,
          answer.bundle,
          "",
        ]
      : [name, "", "", "", "", "", "", "", "", error?.message ?? ""];
    return cells.map(cell).join(",");
  });
  return [head, ...lines, ""].join("\r\n");
}

/// One cell. Text that a spreadsheet would take for a formula stands behind an apostrophe.
function cell(value) {
  const text = typeof value === "string" && /^[=+\-@\t]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}
