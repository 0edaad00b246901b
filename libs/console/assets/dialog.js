// A question before something is done that others notice.

import { button, h } from "./elements.js";
import { notice } from "./notice.js";

let made = 0;

/// Asks; with a yes does it, shows what went wrong, and closes when it is done. `ask`: title, words,
/// yes, optional field `{label, longest}`, and `act(text)`.
export function confirmThen({ title, words, yes, field = null, act }) {
  made += 1;
  const id = `dialog-${made}`;
  const input = field
    ? h("input", { type: "text", id: `${id}-field`, maxlength: field.longest, autocomplete: "off" })
    : null;
  const place = h("div", { "aria-live": "assertive" });
  const go = h("button", { type: "submit", class: "main" }, yes);
  const dialog = h(
    "dialog",
    { "aria-labelledby": `${id}-title` },
    h(
      "form",
      {
        onsubmit: async (event) => {
          event.preventDefault();
          go.disabled = true;
          try {
            await act(input?.value ?? "");
            dialog.close();
          } catch (error) {
            place.replaceChildren(notice(error));
            go.disabled = false;
          }
        },
      },
      h("h2", { id: `${id}-title` }, title),
      words.map((text) => h("p", {}, text)),
      input ? h("label", { for: input.id }, field.label) : null,
      input,
      place,
      h("div", { class: "row end" }, button("Leave it as it is", () => dialog.close()), go),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
