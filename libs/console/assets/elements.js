// Elements of a page, made without markup in strings: text stays text wherever it comes from.

const SVG = "http://www.w3.org/2000/svg";

/// An element. Attributes that are null or false are left out, functions `onclick` and the like
/// listen; children are elements, text, lists of them, or nothing.
export function h(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/// The same for a picture.
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/// Puts other children into an element.
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null));
  return element;
}

/// A list of names and what they stand for; pairs without a value are left out.
export function facts(pairs) {
  const rows = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h(
    "dl",
    { class: "facts" },
    rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

/// A digest, short to look at, whole to copy.
export function digest(text) {
  return text ? h("code", { class: "digest", title: text }, text.slice(0, 12)) : null;
}

/// A button.
export function button(text, onclick, more = {}) {
  return h("button", { type: "button", onclick, ...more }, text);
}

/// Gives bytes to the reader as a file.
export function save(name, parts, type = "application/octet-stream") {
  const url = URL.createObjectURL(new Blob(parts, { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
