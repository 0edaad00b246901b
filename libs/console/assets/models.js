// The page of models: the registry with its versions and aliases.

import { button, digest, fill, h } from "./elements.js";
import { notice } from "./notice.js";
import { promote, rollBack, versionDetails } from "./version.js";
import { count, moment } from "./words.js";

const LIST = "openassay.registry.v1.RegistryService/ListModels";

export const title = "Models";

export function show(main, page) {
  new Models(page, main).look();
}

class Models {
  constructor(page, main) {
    this.page = page;
    this.place = h("div", {}, h("p", { class: "wait" }, "Being read …"));
    fill(main, h("h1", { tabindex: "-1" }, "Models"), this.place);
  }

  async look() {
    const { client, signal } = this.page;
    try {
      const { models } = await client.call(LIST, {}, { timeoutS: 30, signal });
      fill(this.place, models.length === 0 ? none() : models.map((model) => this.model(model)));
    } catch (error) {
      if (error.code !== "CANCELLED") fill(this.place, notice(error, () => this.look()));
    }
  }

  changed(words) {
    this.page.say(words);
    this.look();
  }

  model(model) {
    return h(
      "section",
      { class: "card", "aria-label": `Model ${model.name}` },
      h("h2", {}, model.name),
      this.aliases(model),
      h("p", { class: "small" }, count(model.versions.length, "version"), ", newest first"),
      h("ol", { class: "versions" }, model.versions.toReversed().map((version) => this.version(model, version))),
    );
  }

  aliases(model) {
    if (model.aliases.length === 0) {
      return h("p", {}, "No alias points to it: clients get it by its version only, until one is promoted.");
    }
    return h(
      "ul",
      { class: "aliases", "aria-label": "Aliases" },
      model.aliases.map((alias) =>
        h(
          "li",
          { class: "row" },
          h("strong", {}, `@${alias.alias}`),
          ` → ${alias.version}`,
          button("Roll back", () => rollBack(this.page, model, alias, (words) => this.changed(words)), {
            "aria-label": `Roll ${model.name}@${alias.alias} back`,
          }),
        ),
      ),
    );
  }

  version(model, { version, bundle, created_at_ms: created }) {
    const reference = `${model.name}:${version}`;
    const aliases = model.aliases.filter((alias) => alias.version === version);
    const inProduction = aliases.some(({ alias }) => alias === "production");
    const place = h("div", {});
    const open = button("Describe", () => {
      const isOpen = place.childElementCount > 0;
      fill(place, isOpen ? null : versionDetails(this.page, reference));
      open.setAttribute("aria-expanded", String(!isOpen));
      open.textContent = isOpen ? "Describe" : "Close";
    });
    open.setAttribute("aria-expanded", "false");
    open.setAttribute("aria-label", `Describe ${reference}`);
    return h(
      "li",
      {},
      h(
        "div",
        { class: "row apart" },
        h(
          "div",
          { class: "row" },
          h("strong", {}, version),
          aliases.map(({ alias }) => h("span", { class: "badge alias" }, `@${alias}`)),
          h("span", { class: "small" }, moment(created), " · bundle ", digest(bundle)),
        ),
        h(
          "div",
          { class: "row" },
          open,
          inProduction
            ? null
            : button("Promote", () => promote(this.page, model, version, (words) => this.changed(words)), {
                "aria-label": `Promote ${reference}`,
              }),
        ),
      ),
      place,
    );
  }
}

function none() {
  return h(
    "div",
    { class: "card" },
    h("p", {}, "This server has no model yet. Train one, or push one that was trained elsewhere:"),
    h("pre", {}, "openassay submit train --manifest train.csv --promote\nopenassay models push --bundle model --promote"),
  );
}
