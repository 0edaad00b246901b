// The page of jobs: newest first, those that run live.

import { button, fill, h } from "./elements.js";
import { JobCard, isOver } from "./job.js";
import { notice } from "./notice.js";
import { count, laneWords, stateWords } from "./words.js";

const LIST = "openassay.jobs.v1.JobService/List";
const WATCH = "openassay.jobs.v1.JobService/Watch";
const PAGE = 30;
/// Time between two looks for new jobs.
const EVERY_MS = 4000;
/// Jobs that are watched at once: a browser has six connections to a server without TLS, for all its
/// windows.
const WATCHED = 2;

const LANES = ["LANE_TRAIN", "LANE_IDENTIFY", "LANE_EXPLAIN"];
const STATES = ["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"].map((name) => `JOB_STATE_${name}`);

export const title = "Jobs";

export function show(main, page) {
  new Jobs(page, main).begin();
}

class Jobs {
  constructor(page, main) {
    this.page = page;
    this.cards = new Map();
    this.watched = new Set();
    this.more = 1;
    this.trouble = h("div", {});
    this.list = h("ol", { class: "jobs" });
    this.words = h("p", { class: "small", "aria-live": "polite" });
    this.foot = h("div", {});
    this.lane = choice("lane", "of every lane", LANES, laneWords, () => this.look());
    this.state = choice("state", "in every state", STATES, stateWords, () => this.look());
    fill(
      main,
      h("h1", { tabindex: "-1" }, "Jobs"),
      h(
        "div",
        { class: "row apart" },
        h("div", { class: "row" }, h("label", { for: "lane" }, "Show jobs"), this.lane, h("label", { for: "state" }, "and"), this.state),
        this.words,
      ),
      this.trouble,
      this.list,
      this.foot,
    );
  }

  begin() {
    const timer = setInterval(() => {
      if (!document.hidden) this.look();
    }, EVERY_MS);
    this.watching = new AbortController();
    // A tab that nobody sees holds no connections.
    const turn = () => {
      this.watching.abort();
      this.watching = new AbortController();
      if (!document.hidden) this.look();
    };
    document.addEventListener("visibilitychange", turn);
    this.page.signal.addEventListener("abort", () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", turn);
      this.watching.abort();
    });
    this.look();
  }

  async look() {
    const { client, signal } = this.page;
    const lane = this.lane.value || "LANE_UNSPECIFIED";
    const states = this.state.value ? [this.state.value] : [];
    this.turn = (this.turn ?? 0) + 1;
    const turn = this.turn;
    try {
      const jobs = [];
      let token = "";
      for (let pages = 0; pages < this.more && (pages === 0 || token); pages += 1) {
        const request = { lane, states, page_size: PAGE, page_token: token };
        const answer = await client.call(LIST, request, { timeoutS: 30, signal });
        jobs.push(...answer.jobs);
        token = answer.next_page_token;
      }
      if (turn === this.turn) this.show(jobs, token);
    } catch (error) {
      if (error.code === "CANCELLED" || turn !== this.turn) return;
      fill(this.trouble, notice(error, () => this.look()));
    }
  }

  show(jobs, token) {
    fill(this.trouble);
    const shown = new Map();
    for (const job of jobs) {
      const card = this.cards.get(job.id) ?? new JobCard(this.page, job);
      // A watch may know more than the list did.
      if (job.sequence > card.job.sequence) this.update(card, job);
      shown.set(job.id, card);
    }
    this.cards = shown;
    const elements = [...shown.values()].map(({ element }) => element);
    const same = elements.length === this.list.children.length &&
      elements.every((element, at) => element === this.list.children[at]);
    // Moving what has not moved would take the reader's place in it away.
    if (!same) fill(this.list, elements);
    const running = jobs.filter(({ state }) => state === "JOB_STATE_RUNNING");
    const words = jobs.length === 0 ? "No jobs." : `${count(jobs.length, "job")}${token ? " so far" : ""}, ${running.length} running.`;
    if (this.words.textContent !== words) this.words.textContent = words;
    fill(this.foot, this.footing(jobs, token));
    running.slice(0, WATCHED).forEach(({ id }) => this.watch(id));
  }

  footing(jobs, token) {
    if (token) {
      return button("Show older jobs", () => {
        this.more += 1;
        this.look();
      });
    }
    if (jobs.length > 0 || this.lane.value || this.state.value) return null;
    return h(
      "p",
      { class: "card" },
      "Trainings and batches are submitted with ",
      h("code", {}, "openassay submit"),
      " or over gRPC, and stand here from then on.",
    );
  }

  update(card, job) {
    if (card.job.state !== job.state) {
      this.page.say(`${laneWords(job.lane)} ${job.id.slice(0, 13)}: ${stateWords(job.state)}`);
    }
    card.update(job);
  }

  /// Follows a job until it is over or the page is left. Where it breaks, the next look begins it
  /// again.
  async watch(id) {
    const card = this.cards.get(id);
    const full = this.watched.size >= WATCHED;
    if (!card || full || document.hidden || this.watched.has(id)) return;
    this.watched.add(id);
    const { client } = this.page;
    const { signal } = this.watching;
    try {
      const request = { id, after_sequence: card.job.sequence };
      for await (const event of client.stream(WATCH, request, { signal })) {
        const job = { ...card.job, sequence: event.sequence, state: event.state };
        if (event.progress) job.progress = event.progress;
        if (isOver(job)) break;
        this.update(card, job);
      }
    } catch {
      // The list says what there is to say.
    } finally {
      this.watched.delete(id);
      if (!signal.aborted) this.look();
    }
  }
}

function choice(id, all, values, words, onchange) {
  return h(
    "select",
    { id, onchange },
    h("option", { value: "" }, all),
    values.map((value) => h("option", { value }, words(value))),
  );
}
