// The console: one page whose parts are chosen by what stands behind the # of its address.

import { fill, h } from "./elements.js";
import * as identify from "./identify.js";
import { connect } from "./interface.js";
import * as jobs from "./jobs.js";
import * as models from "./models.js";
import { notice } from "./notice.js";
import * as status from "./status.js";

const PARTS = { identify, jobs, models, server: status };
const FIRST = "identify";
/// Time after which a screen reader has read what was said.
const SAID_MS = 200;

class Console {
  constructor() {
    this.main = document.querySelector("main");
    this.voice = document.querySelector("#voice");
    this.client = null;
    this.leave = new AbortController();
    window.addEventListener("hashchange", () => this.go(true));
    document.addEventListener("token", () => this.say("The token was changed."));
  }

  async begin() {
    try {
      this.client = await connect();
    } catch (error) {
      fill(this.main, h("h1", { tabindex: "-1" }, "OpenAssay"), notice(error, () => this.begin()));
      return;
    }
    this.go(false);
  }

  /// Shows the part that the address names. A reader who came here from another part is brought to
  /// its heading.
  go(moved) {
    if (!this.client) return;
    const name = location.hash.replace(/^#\/?/, "").split("/")[0] || FIRST;
    const part = PARTS[name];
    this.leave.abort();
    this.leave = new AbortController();
    for (const link of document.querySelectorAll("nav a")) {
      if (link.hash === `#/${name}`) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (part) {
      document.title = `${part.title} · OpenAssay`;
      part.show(this.main, { client: this.client, signal: this.leave.signal, say: (text) => this.say(text) });
    } else {
      document.title = "Not found · OpenAssay";
      const home = h("a", { href: `#/${FIRST}` }, "identify a spectrum");
      fill(this.main, h("h1", { tabindex: "-1" }, "There is no such page"), h("p", {}, "You can ", home, "."));
    }
    if (moved) this.main.querySelector("h1")?.focus();
  }

  /// Tells those who do not see the page.
  say(text) {
    this.voice.textContent = "";
    setTimeout(() => {
      this.voice.textContent = text;
    }, SAID_MS);
  }
}

new Console().begin();
