// What a person is told when a call failed: what happened, which fields, when to try again, and a
// place for a token where one is needed.

import { RpcError } from "./faults.js";
import { button, h } from "./elements.js";
import { setToken, token } from "./session.js";

const HINTS = {
  PERMISSION_DENIED:
    "The token of this tab is for a role that may not do this. Ask an operator, or use another token.",
};

/// A box about an error. `again` does it once more.
export function notice(error, again = null) {
  if (!(error instanceof RpcError)) {
    console.error(error);
    return box("This page failed", [h("p", {}, String(error?.message ?? error))], again);
  }
  if (error.code === "UNAUTHENTICATED") return tokenForm(error, again);
  const parts = [h("p", {}, sentence(error.message))];
  // A server that says all in its message need not say it twice.
  const fields = error.fields.filter(({ description }) => !error.message.includes(description));
  if (fields.length > 0) {
    const rows = fields.map(({ field, description }) =>
      h("li", {}, h("code", {}, field), ` ${description}`),
    );
    parts.push(h("ul", {}, rows));
  }
  const hint = [HINTS[error.code], error.retryWords].filter(Boolean).join(" ");
  if (hint) parts.push(h("p", {}, hint));
  const traced = ["INTERNAL", "UNKNOWN", "DATA_LOSS"].includes(error.code) && error.requestId;
  if (traced) parts.push(h("p", { class: "small" }, "For the log: ", h("code", {}, error.requestId)));
  if (error.code === "PERMISSION_DENIED" && token()) {
    parts.push(button("Use another token", (event) => {
      event.target.closest(".notice").replaceWith(tokenForm(null, again));
    }));
  }
  return box(error.title, parts, again);
}

function box(title, parts, again) {
  return h(
    "div",
    { class: "notice", role: "alert" },
    h("p", { class: "notice-title" }, title),
    parts,
    again ? button("Try again", again) : null,
  );
}

/// A form for the token of this tab.
export function tokenForm(error, done) {
  const field = h("input", {
    type: "password",
    id: "token",
    name: "token",
    autocomplete: "off",
    spellcheck: "false",
    required: true,
    placeholder: "openassay_…",
  });
  const refused = error && token();
  const submit = (event) => {
    event.preventDefault();
    setToken(field.value.trim());
    field.value = "";
    document.dispatchEvent(new CustomEvent("token"));
    done?.();
  };
  const form = h(
    "form",
    { class: "token", onsubmit: submit },
    h("label", { for: "token" }, "Token"),
    field,
    h("button", { type: "submit", class: "main" }, "Use this token"),
  );
  const words = refused
    ? "The server does not take the token of this tab: it is unknown, expired or revoked."
    : "This server asks who you are. Paste your token; an operator makes one with “openassay token new”.";
  return h(
    "div",
    { class: "notice calm", role: refused ? "alert" : "status" },
    h("p", { class: "notice-title" }, refused ? "The token is not taken" : "A token is needed"),
    h("p", {}, words),
    form,
    h("p", { class: "small" }, "It stays in this tab only and is forgotten when the tab is closed."),
  );
}

/// A message of the server as a sentence.
function sentence(text) {
  if (!text) return "";
  // What begins with a name, such as that of an RPC, begins as that does.
  const isWord = /^\p{L}+[\s,]/u.test(text);
  const begun = isWord ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.!?)]$/.test(begun) ? begun : `${begun}.`;
}
