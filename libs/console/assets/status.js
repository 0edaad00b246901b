// The page of the server: which services serve, and the token of this tab.

import { button, fill, h } from "./elements.js";
import { notice, tokenForm } from "./notice.js";
import { setToken, token } from "./session.js";

const HEALTH = "grpc.health.v1.Health/Check";
const SERVED = "openassay.inference.v1.InferenceService/ListModels";
const EVERY_MS = 5000;

/// Names of health that are no services of gRPC.
const SPECIAL = { "": "the whole server", "openassay.liveness": "the process" };

const WHAT = {
  IngestService: "takes spectra",
  InferenceService: "runs models",
  GRPCInferenceService: "Open Inference Protocol",
  GateService: "known material or UNKNOWN",
  ExplainService: "says why",
  JobService: "long jobs",
  DatasetService: "data sets",
  RegistryService: "models and their aliases",
  WorkerService: "work for workers elsewhere",
  ExternalScaler: "numbers for KEDA",
};

export const title = "Server";

export function show(main, page) {
  new Status(page, main).begin();
}

class Status {
  constructor(page, main) {
    this.page = page;
    this.health = h("div", { class: "health" }, h("p", { class: "wait" }, "Being asked …"));
    this.served = h("div", {});
    this.access = h("div", {});
    fill(
      main,
      h("h1", { tabindex: "-1" }, "Server"),
      h("section", { class: "card", "aria-label": "Health" }, h("h2", {}, "Health"), this.health),
      h("section", { class: "card", "aria-label": "Models in service" }, h("h2", {}, "Models in service"), this.served),
      h("section", { class: "card", "aria-label": "Your access" }, h("h2", {}, "Your access"), this.access),
    );
  }

  begin() {
    this.look();
    this.showAccess();
    const timer = setInterval(() => {
      if (!document.hidden) this.look();
    }, EVERY_MS);
    this.page.signal.addEventListener("abort", () => clearInterval(timer));
  }

  async look() {
    const { client, signal } = this.page;
    const options = { timeoutS: 10, signal };
    const again = () => this.look();
    await put(this.health, () => states(client, options), health, again);
    await put(this.served, () => client.call(SERVED, {}, options), ({ models }) => served(models), again);
  }

  showAccess() {
    if (!token()) {
      fill(
        this.access,
        h("p", {}, "This tab has no token. A server that does not ask who you are needs none."),
        button("Enter a token", () => fill(this.access, tokenForm(null, () => this.begin()))),
      );
      return;
    }
    const forget = () => {
      setToken("");
      document.dispatchEvent(new CustomEvent("token"));
      this.begin();
    };
    fill(
      this.access,
      h("p", {}, "This tab sends a token with every request and forgets it when it is closed."),
      h(
        "div",
        { class: "row" },
        button("Forget the token", forget),
        button("Use another token", () => fill(this.access, tokenForm(null, () => this.begin()))),
      ),
    );
  }
}

/// Whether each service of the interface that is here serves, and the whole server.
async function states(client, options) {
  const services = Object.keys(client.messages.methods).map((method) => method.split("/")[0]);
  const found = new Map();
  for (const service of ["", "openassay.liveness", ...new Set(services)]) {
    try {
      found.set(service, (await client.call(HEALTH, { service }, options)).status);
    } catch (error) {
      // It is served elsewhere, or watches over the process itself.
      if (error.code !== "NOT_FOUND") throw error;
    }
  }
  return found;
}

/// Shows what comes back, or why nothing does; only where that is something else than before, so
/// that nobody is told the same every few seconds.
async function put(place, ask, words, again) {
  const show = (key, content) => {
    if (place.dataset.key === key) return;
    place.dataset.key = key;
    fill(place, content());
  };
  try {
    const content = words(await ask());
    show(content.textContent, () => content);
  } catch (error) {
    if (error.code !== "CANCELLED") show(`${error.code} ${error.message}`, () => notice(error, again));
  }
}

function health(statuses) {
  // The whole and the process first, then by the names that people use.
  const key = (name) => (name in SPECIAL ? ` ${name}` : name.split(".").pop());
  const rows = [...statuses].sort(([a], [b]) => (key(a) < key(b) ? -1 : 1));
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      {},
      h("caption", { class: "visually-hidden" }, "Health of the services"),
      h("thead", {}, h("tr", {}, ["Service", "What it does", "State"].map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, rows.map(([name, status]) => row(name, status))),
    ),
  );
}

function row(name, status) {
  const serves = status === "SERVING";
  const short = name.split(".").pop();
  const special = SPECIAL[name];
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, special ?? short, special ? null : h("span", { class: "small package" }, ` ${name}`)),
    h("td", {}, special ? "" : (WHAT[short] ?? "")),
    h("td", {}, h("span", { class: `badge ${serves ? "known" : "unknown"}` }, serves ? "✓ serves" : "✕ does not serve")),
  );
}

const STATES = {
  MODEL_STATE_LOADING: "… being loaded",
  MODEL_STATE_SERVING: "✓ answers",
  MODEL_STATE_DRAINING: "– finishes what it began",
  MODEL_STATE_REFUSED: "✕ refused",
};

function served(models) {
  if (models.length === 0) return h("p", {}, "None: nobody has asked for one, or there is none.");
  return h(
    "ul",
    { class: "plain" },
    models.map(({ name, bundle, state, reason }) =>
      h(
        "li",
        { class: "row" },
        h("strong", {}, name || bundle.slice(0, 12)),
        h("span", { class: `badge ${state === "MODEL_STATE_REFUSED" ? "unknown" : "known"}` }, STATES[state] ?? ""),
        reason ? h("span", {}, reason) : null,
      ),
    ),
  );
}
