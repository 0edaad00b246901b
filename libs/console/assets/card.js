// A model card for reading: the parts of Markdown that cards have, made into elements.

import { h } from "./elements.js";

/// The card without its front matter, whose content stands above it.
export function cardText(card) {
  const text = card.replace(/^---\n[\s\S]*?\n---\n/, "").trim();
  return h("div", { class: "card-text" }, text.split(/\n{2,}/).map(block));
}

function block(text) {
  const heading = /^(#{1,4})\s+(.*)$/.exec(text);
  const lines = text.split("\n");
  if (heading) return h(heading[1].length === 1 ? "h3" : "h4", {}, words(heading[2]));
  if (lines.length > 1 && lines.every((line) => line.startsWith("|"))) return table(lines);
  const isList = /^[-*] /.test(text) && lines.every((line) => /^([-*] | {2})/.test(line));
  if (isList) return list(lines);
  if (text.startsWith("```")) return h("pre", {}, lines.slice(1, -1).join("\n"));
  return h("p", {}, words(lines.join(" ")));
}

/// Text with `code` in it.
function words(text) {
  return text.split("`").map((part, at) => (at % 2 === 1 ? h("code", {}, part) : part));
}

function table([head, , ...rows]) {
  const cells = (line) => line.replace(/^\||\|\s*$/g, "").split("|").map((cell) => cell.trim());
  const row = (line, name) => h("tr", {}, cells(line).map((cell) => h(name, {}, words(cell))));
  return h(
    "div",
    { class: "scroll" },
    h("table", {}, h("thead", {}, row(head, "th")), h("tbody", {}, rows.map((line) => row(line, "td")))),
  );
}

/// Entries; a line that begins with blanks goes on with the one before.
function list(lines) {
  const entries = [];
  for (const line of lines) {
    if (/^[-*] /.test(line)) entries.push(line.slice(2));
    else entries[entries.length - 1] += ` ${line.trim()}`;
  }
  return h("ul", {}, entries.map((entry) => h("li", {}, words(entry))));
}
