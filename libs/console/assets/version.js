// One version of a model: what it is made of, and pointing aliases to it.

import { bundleWords } from "./bundle.js";
import { confirmThen } from "./dialog.js";
import { digest, facts, fill, h } from "./elements.js";
import { notice } from "./notice.js";
import { moment } from "./words.js";

const DESCRIBE = "openassay.registry.v1.RegistryService/DescribeVersion";
const GATE = "openassay.gate.v1.GateService/DescribeGate";
const PROMOTE = "openassay.registry.v1.RegistryService/Promote";
const ROLL_BACK = "openassay.registry.v1.RegistryService/RollBack";

/// A section about `name:version` that fills itself.
export function versionDetails(page, reference) {
  const place = h("div", { class: "version", "aria-busy": "true" }, h("p", { class: "wait" }, "Being read …"));
  describe(page, reference, place);
  return place;
}

async function describe(page, reference, place) {
  const { client, signal } = page;
  const options = { timeoutS: 60, signal };
  try {
    const { version, bundle_json: json, card } = await client.call(DESCRIBE, { model: reference }, options);
    // A gate that cannot be told of takes nothing away from the rest.
    const gate = await client.call(GATE, { model: version.bundle }, options).catch(() => null);
    fill(
      place,
      facts([
        ["Bundle", digest(version.bundle)],
        ["Registered", moment(version.created_at_ms)],
        ["Training job", version.job_id ? h("code", {}, version.job_id) : "none: pushed"],
      ]),
      bundleWords(json, card, gate),
    );
  } catch (error) {
    if (error.code !== "CANCELLED") fill(place, notice(error, () => describe(page, reference, place)));
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/// Asks whether an alias is to point to this version, and moves it if it still points to where the
/// reader has seen it.
export function promote(page, model, version, done) {
  const now = model.aliases.find(({ alias }) => alias === "production")?.version ?? "";
  confirmThen({
    title: `Promote ${model.name}:${version}?`,
    words: [
      now
        ? `The alias production of ${model.name} points to ${now} and will point to ${version}.`
        : `The alias production of ${model.name} will be made and point to ${version}.`,
      "Everybody who asks for this model gets answers of the new version from then on.",
    ],
    yes: "Promote",
    act: async () => {
      const request = { name: model.name, alias: "production", version, expected_version: now };
      await page.client.call(PROMOTE, request, { timeoutS: 60 });
      done(`${model.name}@production points to ${version}`);
    },
  });
}

/// Asks whether an alias is to point to where it pointed before.
export function rollBack(page, model, { alias, version }, done) {
  confirmThen({
    title: `Roll ${model.name}@${alias} back?`,
    words: [
      `It points to ${version} and will point to where it pointed before its last change.`,
      "Everybody who asks for this alias gets answers of that version from then on.",
    ],
    yes: "Roll back",
    act: async () => {
      const request = { name: model.name, alias };
      const { version: before } = await page.client.call(ROLL_BACK, request, { timeoutS: 60 });
      done(`${model.name}@${alias} points to ${before}`);
    },
  });
}
