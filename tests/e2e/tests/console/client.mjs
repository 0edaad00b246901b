// Asks a real server with the client of the pages and prints what came back.
import { readFileSync } from "node:fs";
import { Messages } from "./messages.js";
import { Client } from "./rpc.js";

const [, , base, file] = process.argv;
const schema = await (await fetch(`${base}/console/schema.json`)).json();
const client = new Client(new Messages(schema), { base });
const told = {};

told.serving = (await client.call("grpc.health.v1.Health/Check")).status;

const content = readFileSync(file);
const put = await client.call("openassay.ingest.v1.IngestService/PutFile", { content, file_name: file });
const request = { spectrum_digest: put.spectrum.digest };
const why = await client.call("openassay.explain.v1.ExplainService/ExplainCam", { request }, { timeoutS: 60 });
told.labels = why.answer.class_labels.length;
told.bins = why.energy_kev.length;
told.importances = why.importance.length;

// Shapley values: messages of a oneof, in a stream.
const shap = { request, label: why.label, options: { segments: 16, max_evals: 60 } };
const seen = { progress: 0 };
for await (const part of client.stream("openassay.explain.v1.ExplainService/ExplainShap", shap, { timeoutS: 60 })) {
  if (part.progress) seen.progress += 1;
  if (part.values) seen.values = part.values;
}
const [{ base: hidden, logit, values }] = seen.values.classes;
told.shap = {
  progress: seen.progress,
  ranges: values.length,
  edges: seen.values.edges_kev.length,
  difference: Math.abs(hidden + values.reduce((sum, one) => sum + one, 0) - logit),
  most: Math.max(...values.map(Math.abs)),
};
const from_pixels = { ...shap, options: { over: "SHAP_OVER_IMAGE", blur: 8 } };
told.image = (await codeOf(client.call("openassay.explain.v1.ExplainService/ExplainShap", from_pixels))).code;

async function codeOf(promise) {
  try {
    await promise;
    return { code: "OK", fields: [] };
  } catch (error) {
    return error;
  }
}
const gate = "openassay.gate.v1.GateService";
told.missing = (await codeOf(client.call(`${gate}/DescribeGate`, { model: "nothing" }))).code;
told.fields = (await codeOf(client.call(`${gate}/Identify`, {}))).fields.map(({ field }) => field);

// A job in a lane that is stopped at once.
const row = { spectrum_digest: put.spectrum.digest };
const { digest } = await client.call("openassay.datasets.v1.DatasetService/CreateDataset", { rows: [row] });
const jobs = "openassay.jobs.v1.JobService";
const { job } = await client.call(`${jobs}/Submit`, { lane: "LANE_IDENTIFY", dataset: digest });
await codeOf(client.call(`${jobs}/Cancel`, { id: job.id, reason: "test" }));
told.events = [];
for await (const event of client.stream(`${jobs}/Watch`, { id: job.id }, { timeoutS: 60 })) {
  const state = event.state.split("_").pop();
  // It may have been begun, and even done, before it was stopped.
  if (state !== "RUNNING" && told.events.at(-1) !== state) told.events.push(state.replace("SUCCEEDED", "CANCELLED"));
}
process.stdout.write(JSON.stringify(told));
