// The page that says what spectra show: files in, answers out, and why.

import { fill, h } from "./elements.js";
import { explanation } from "./explanation.js";
import { answerTable, dropZone } from "./files.js";
import { RpcError } from "./faults.js";
import { notice } from "./notice.js";
import { measurement, verdictCard, verdictWord } from "./verdict.js";

const PUT = "openassay.ingest.v1.IngestService/PutFile";
const IDENTIFY = "openassay.gate.v1.GateService/Identify";
const GATE = "openassay.gate.v1.GateService/DescribeGate";
const REGISTRY = "openassay.registry.v1.RegistryService/ListModels";
const SERVED = "openassay.inference.v1.InferenceService/ListModels";

/// Files in work at once: a browser has six connections to a server without TLS.
const AT_ONCE = 3;
const LARGEST_FILE = 256 << 20;
const PATIENCE_S = 120;
/// Time between two drawings of the table.
const LIST_MS = 150;
/// A busy server is asked again this often.
const TRIES = 4;

/// Why a file is not asked about: it waits for the reader to choose a model.
const NO_MODEL = "NO_MODEL_CHOSEN";

/// What stays when the reader looks at another page and comes back. An empty `model` is the server's
/// default; where it has none, the reader has to choose.
const kept = { results: [], chosen: null, model: "", mustChoose: false, gates: new Map() };

/// The page as it is shown now: answers to files that were dropped before it was left go there, too.
let shown = null;

export const title = "Identify";

export function show(main, page) {
  shown = new Identify(page, main);
  shown.begin();
}

class Identify {
  constructor(page, main) {
    this.page = page;
    this.trouble = h("div", {});
    this.table = h("div", {});
    this.detail = h("div", {});
    this.model = h("select", {
      id: "model",
      "aria-describedby": "model-hint",
      onchange: () => this.pick(this.model.value),
    });
    this.hint = h("span", { id: "model-hint", class: "small" });
    fill(
      main,
      h("h1", { tabindex: "-1" }, "What does this spectrum show?"),
      h(
        "div",
        { class: "card" },
        dropZone((files) => this.take(files)),
        h("p", { class: "row" }, h("label", { for: "model" }, "Model"), this.model, this.hint),
      ),
      this.trouble,
      this.table,
      this.detail,
    );
  }

  begin() {
    this.offered = this.models();
    this.list();
    this.look();
  }

  async models() {
    fill(this.model, h("option", { value: kept.model }, kept.model || "the server's default"));
    try {
      const [names, hasDefault] = await Promise.all([this.modelNames(), this.hasDefault()]);
      this.offer(names, hasDefault);
      fill(this.trouble);
    } catch (error) {
      if (error.code !== "CANCELLED") fill(this.trouble, notice(error, () => this.models()));
    }
  }

  /// The models to choose from. Without a default the only one is chosen; of several, none is.
  offer(names, hasDefault) {
    const only = hasDefault ? null : onlyChoice(names);
    if (!names.includes(kept.model)) kept.model = only ?? "";
    kept.mustChoose = names.length > 0 && !hasDefault && only === null;
    const option = (value, text) => h("option", { value, selected: value === kept.model }, text);
    const empty = kept.mustChoose ? "choose a model" : "the server's default";
    fill(this.model, only === null ? option("", empty) : null, names.map((name) => option(name, name)));
    this.advise();
  }

  advise() {
    const missing = kept.mustChoose && !kept.model;
    this.hint.textContent = missing ? "None of these is the server's default: choose one." : "";
  }

  /// Files that came before a model was chosen are answered by the one that is chosen now.
  pick(model) {
    kept.model = model;
    this.advise();
    if (!model) return;
    const waiting = kept.results.filter(({ error }) => error?.reason === NO_MODEL);
    for (const one of waiting) Object.assign(one, { model, error: null });
    if (waiting.length === 0) return;
    this.list();
    this.look();
    this.answerAll(waiting);
  }

  /// Whether a question that names no model is answered. Roles that may not see the registry may ask
  /// about gates.
  async hasDefault() {
    const { client, signal } = this.page;
    try {
      const gate = await client.call(GATE, {}, { timeoutS: 30, signal });
      kept.gates.set(gate.bundle, gate);
    } catch (error) {
      return error.code !== "NOT_FOUND";
    }
    return true;
  }

  /// Every alias and version; for roles that may not see the registry, what is served.
  async modelNames() {
    const { client, signal } = this.page;
    const options = { timeoutS: 30, signal };
    try {
      const { models } = await client.call(REGISTRY, {}, options);
      if (models.length === 0) this.page.say("This server has no model yet.");
      return models.flatMap(({ name, aliases, versions }) => [
        ...aliases.map(({ alias }) => `${name}@${alias}`),
        ...versions.map(({ version }) => `${name}:${version}`).reverse(),
      ]);
    } catch (error) {
      if (error.code !== "PERMISSION_DENIED") throw error;
      const { models } = await client.call(SERVED, {}, options);
      return models.map(({ name }) => name).filter(Boolean);
    }
  }

  async take(files) {
    const added = files.map((file) => ({ name: file.name, file, model: "" }));
    if (added.length === 0) return;
    kept.results.unshift(...added);
    kept.chosen = added[0];
    this.list();
    this.look();
    // What an empty choice means is known only then.
    if (!kept.model) await this.offered;
    for (const one of added) one.model = kept.model;
    await this.answerAll(added);
  }

  /// Answers about files, a few at once, in their order.
  async answerAll(results) {
    const waiting = [...results];
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) await this.answer(next);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  }

  async answer(result) {
    result.error = null;
    try {
      await this.ask(result);
      this.page.say(`${result.name}: ${verdictWord(result.answer)}`);
    } catch (error) {
      result.error = error;
      this.page.say(`${result.name} was not answered`);
    }
    shown.listSoon();
    if (result === kept.chosen) shown.look();
  }

  /// Puts the file once and asks by its digest from then on. It goes on when the reader looks at
  /// another page.
  async ask(result) {
    const { client } = this.page;
    if (!result.model && kept.mustChoose) {
      const words = "Choose a model above: this server has several, and none is its default.";
      throw new RpcError("FAILED_PRECONDITION", words, { reason: NO_MODEL });
    }
    if (!result.put) {
      if (result.file.size > LARGEST_FILE) {
        throw new RpcError("RESOURCE_EXHAUSTED", "The file is larger than 256 MiB; is it a spectrum?");
      }
      const content = new Uint8Array(await result.file.arrayBuffer());
      const request = { content, file_name: result.name };
      result.put = await patiently(() => client.call(PUT, request, { timeoutS: PATIENCE_S }));
    }
    const question = { model: result.model, spectrum_digest: result.put.spectrum.digest };
    result.answer = await patiently(() => client.call(IDENTIFY, question, { timeoutS: PATIENCE_S }));
    result.at = Date.now();
  }

  /// Many files are answered in a second.
  listSoon() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.list();
    }, LIST_MS);
  }

  /// Draws the table; the reader stays at their place in it.
  list() {
    const top = this.table.querySelector(".answers")?.scrollTop ?? 0;
    const buttons = () => [...this.table.querySelectorAll("button")];
    const focused = buttons().indexOf(document.activeElement);
    const several = kept.results.length > 1;
    fill(this.table, several ? answerTable(kept.results, kept.chosen, (one) => this.choose(one)) : null);
    if (top > 0) this.table.querySelector(".answers").scrollTop = top;
    buttons()[focused]?.focus({ preventScroll: true });
  }

  choose(result) {
    kept.chosen = result;
    this.list();
    this.look();
    this.detail.firstElementChild?.scrollIntoView({ block: "nearest" });
  }

  /// Everything about the chosen file.
  async look() {
    const result = kept.chosen;
    if (!result) {
      fill(this.detail);
    } else if (result.error) {
      const again = () => {
        result.model ||= kept.model;
        this.answer(result);
      };
      fill(this.detail, h("section", { class: "card" }, h("h2", {}, result.name), notice(result.error, again)));
    } else if (!result.answer) {
      fill(this.detail, h("p", { class: "card wait", "aria-busy": "true" }, `${result.name} is being answered …`));
    } else {
      const gate = await this.gate(result.answer.bundle);
      if (result !== kept.chosen || this.page.signal.aborted) return;
      fill(this.detail, verdictCard(result, gate), explanation(this.page, result), measurement(result));
    }
  }

  /// The gate of a bundle, for its training scores; an answer can be shown without.
  async gate(bundle) {
    const { client, signal } = this.page;
    if (!kept.gates.has(bundle)) {
      try {
        kept.gates.set(bundle, await client.call(GATE, { model: bundle }, { timeoutS: 30, signal }));
      } catch {
        return null;
      }
    }
    return kept.gates.get(bundle);
  }
}

/// The model of a server that has one only: the version in production, or else the newest. Null where
/// there are several names, or none. Names come with aliases first, then versions, newest first.
function onlyChoice(names) {
  const models = new Set(names.map((name) => name.split(/[@:]/)[0]));
  if (models.size !== 1) return null;
  const [model] = models;
  const inProduction = names.find((name) => name === `${model}@production`);
  return inProduction ?? names.find((name) => name.includes(":")) ?? names[0];
}

/// Asks again where the server says after which time it is worth it.
async function patiently(ask) {
  for (let turn = 1; ; turn += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error.retryAfterS > 0) || turn === TRIES) throw error;
      await new Promise((done) => setTimeout(done, 1000 * Math.min(error.retryAfterS, 10)));
    }
  }
}
