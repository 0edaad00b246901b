// One job as a card: where it stands, live; what it left; its end.

import { confirmThen } from "./dialog.js";
import { CODES, RpcError } from "./faults.js";
import { button, digest, facts, fill, h, save } from "./elements.js";
import { notice } from "./notice.js";
import { duration, laidOut, laneWords, moment, number, parsed, percent, stateWords, whole } from "./words.js";

const ARTEFACT = "openassay.jobs.v1.JobService/GetArtefact";
const CANCEL = "openassay.jobs.v1.JobService/Cancel";
const MARKS = { queued: "…", running: "▶", succeeded: "✓", failed: "✕", cancelled: "–" };

/// Whether a job has come to its end.
export const isOver = ({ state }) =>
  ["JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"].includes(state);

/// A card of a job that can be shown anew with what has changed.
export class JobCard {
  constructor(page, job) {
    this.page = page;
    this.state = h("span", {});
    this.progress = h("div", { class: "progress" });
    this.body = h("div", {});
    this.open = h("details", {}, h("summary", {}, "Details"));
    this.heading = h("h2", {});
    this.element = h(
      "li",
      { class: "card job" },
      h("div", { class: "row apart" }, this.heading, this.state),
      this.progress,
      this.body,
      this.open,
    );
    this.update(job);
  }

  /// Shows what has changed; where that is the progress alone, nothing else moves under the
  /// reader's hands.
  update(job) {
    this.job = job;
    fill(this.progress, this.bar());
    const { state, cancel_requested: asked, attempt, error_message: fault, started_at_ms: begun } = job;
    const key = [state, asked, attempt, fault, begun, job.result !== null].join(" ");
    if (key !== this.key) this.rebuild();
    this.key = key;
  }

  rebuild() {
    const { job } = this;
    const state = stateWords(job.state);
    const asked = parsed(job.specification_json) ?? {};
    const model = asked.model || (asked.bundle ? "the server's default" : "");
    fill(this.heading, laneWords(job.lane), " ", h("code", { title: job.id }, job.id.slice(0, 13)));
    this.state.className = `badge state ${state}`;
    this.state.textContent = `${MARKS[state] ?? ""} ${job.cancel_requested && !isOver(job) ? "stopping" : state}`;
    fill(
      this.body,
      job.error_message ? h("p", { class: "fault" }, `${CODES[job.error_code] ?? ""} ${job.error_message}`) : null,
      facts([
        ["Submitted", moment(job.created_at_ms)],
        ["Begun", moment(job.started_at_ms)],
        ["Ended", moment(job.finished_at_ms)],
        ["Took", this.took()],
        ["Attempts", job.attempt > 1 ? `${job.attempt} of ${job.max_attempts}` : ""],
        ["Model", model],
        ["Bundle", digest(asked.bundle)],
      ]),
      this.artefacts(),
      isOver(job) || job.cancel_requested ? null : button("Cancel this job", () => this.cancel()),
    );
    this.details();
  }

  took() {
    const { started_at_ms: from, finished_at_ms: to } = this.job;
    return from > 0n && to > 0n ? duration(Number(to - from) / 1000) : "";
  }

  /// How far a job is that is not over.
  bar() {
    const { progress, state } = this.job;
    if (state !== "JOB_STATE_RUNNING") return null;
    const words = [progress?.stage || "beginning"];
    const known = progress && progress.total > 0n;
    if (known) words.push(`${whole(Number(progress.done))} of ${whole(Number(progress.total))}`);
    if (progress?.remaining_s > 0) words.push(`about ${duration(progress.remaining_s)} left in this stage`);
    const epoch = progress?.epoch;
    if (epoch) {
      words.push(`loss ${number(epoch.loss)}, right ${percent(epoch.accuracy)}`);
      if (epoch.validation_accuracy !== null) words.push(`held back ${percent(epoch.validation_accuracy)}`);
    }
    const bar = known
      ? { max: Number(progress.total), value: Number(progress.done) }
      : { max: 1 };
    return [
      h("progress", { ...bar, "aria-label": `Progress of job ${this.job.id}` }),
      h("p", { class: "small" }, words.join(" · ")),
    ];
  }

  artefacts() {
    const all = this.job.result?.artefacts ?? [];
    if (all.length === 0) return null;
    return h(
      "ul",
      { class: "artefacts", "aria-label": "Artefacts" },
      all.map(({ name }) => h("li", {}, button(`↓ ${name}`, (event) => this.fetch(name, event.target)))),
    );
  }

  details() {
    const { id, specification_json: asked, result } = this.job;
    const parts = [facts([["Id", h("code", {}, id)], ["Data set", digest(parsed(asked)?.dataset)]])];
    if (result?.summary_json) parts.push(h("h3", {}, "Figures"), h("pre", {}, laidOut(result.summary_json)));
    if (asked) parts.push(h("h3", {}, "What was submitted"), h("pre", {}, laidOut(asked)));
    this.open.replaceChildren(this.open.firstElementChild, ...parts);
  }

  async fetch(name, pressed) {
    const { client, signal } = this.page;
    const label = pressed.textContent;
    pressed.disabled = true;
    try {
      const parts = [];
      let have = 0;
      for await (const part of client.stream(ARTEFACT, { id: this.job.id, name }, { signal })) {
        parts.push(part.chunk);
        have += part.chunk.length;
        pressed.textContent = `${label} ${percent(have / Math.max(1, Number(part.total_bytes)))}`;
      }
      save(name, parts);
    } catch (error) {
      if (error.code !== "CANCELLED") this.body.append(notice(error));
    } finally {
      pressed.textContent = label;
      pressed.disabled = false;
    }
  }

  cancel() {
    const { client } = this.page;
    const running = this.job.state === "JOB_STATE_RUNNING";
    confirmThen({
      title: "Cancel this job?",
      words: [
        `${laneWords(this.job.lane)} ${this.job.id}`,
        running ? "It is running. What it has done so far is lost." : "It waits for a worker.",
      ],
      yes: "Cancel the job",
      field: { label: "Why, for the record (may be empty)", longest: 1000 },
      act: async (reason) => {
        const { job } = await client.call(CANCEL, { id: this.job.id, reason }, { timeoutS: 30 });
        if (!job) throw new RpcError("INTERNAL", "the answer names no job");
        this.update(job);
      },
    });
  }
}
