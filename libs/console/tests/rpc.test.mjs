// Calls of the pages over gRPC-Web: frames in pieces, trailers, errors with their details, ends.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { RpcError } from "../assets/faults.js";
import { FrameError, FrameReader, frame } from "../assets/frames.js";
import { Messages } from "../assets/messages.js";
import { Client } from "../assets/rpc.js";

const file = new URL("vectors/vectors.json", import.meta.url);
const { schema } = JSON.parse(readFileSync(file, "utf8"));
// What the server adds: the details of errors.
const field = (number, name, kind, more = {}) => ({ number, name, kind, ...more });
Object.assign(schema.messages, {
  "google.rpc.Status": [
    field(1, "code", "int32"),
    field(2, "message", "string"),
    field(3, "details", "message", { type: "google.protobuf.Any", repeated: true }),
  ],
  "google.protobuf.Any": [field(1, "type_url", "string"), field(2, "value", "bytes")],
  "google.rpc.BadRequest": [
    field(1, "field_violations", "message", { type: "google.rpc.BadRequest.FieldViolation", repeated: true }),
  ],
  "google.rpc.BadRequest.FieldViolation": [field(1, "field", "string"), field(2, "description", "string")],
  "google.rpc.RetryInfo": [field(1, "retry_delay", "message", { type: "google.protobuf.Duration" })],
  "google.protobuf.Duration": [field(1, "seconds", "int64"), field(2, "nanos", "int32")],
});
const messages = new Messages(schema);
const inner = (name) => messages.encode("everything.Inner", { name });
const everything = (text) => messages.encode("everything.Everything", { a_string: text });

function trailers(lines) {
  const text = new TextEncoder().encode(Object.entries(lines).map(([k, v]) => `${k}:${v}\r\n`).join(""));
  const bytes = frame(text);
  bytes[0] = 0x80;
  return bytes;
}

const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));

// A server of one answer, in pieces of this size.
function client(body, { size = 1e9, headers = {}, status = 200, seen = {} } = {}) {
  const ask = async (url, request) => {
    Object.assign(seen, { url, request });
    let at = 0;
    const stream = new ReadableStream({
      pull(controller) {
        if (at >= body.length) return controller.close();
        controller.enqueue(body.slice(at, at + size));
        at += size;
        return undefined;
      },
      cancel() {
        seen.cancelled = true;
      },
    });
    return new Response(stream, { status, headers });
  };
  return new Client(messages, { fetch: ask, token: () => seen.token ?? null });
}

async function fails(promise) {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof RpcError, String(error));
    return error;
  }
  return assert.fail("it did not fail");
}

test("an answer is understood however its bytes are cut", async () => {
  const body = join(frame(everything("a")), frame(everything("é".repeat(200))), trailers({ "grpc-status": 0 }));
  for (let size = 1; size <= 40; size += 1) {
    const got = [];
    for await (const one of client(body, { size }).stream("everything.Things/Many", { name: "x" })) {
      got.push(one.a_string);
    }
    assert.deepEqual(got, ["a", "é".repeat(200)]);
  }
});

test("the question goes out as gRPC-Web asks", async () => {
  const seen = { token: "openassay_1" };
  const one = client(join(frame(inner("y")), trailers({ "grpc-status": 0 })), { seen });
  const answer = await one.call("everything.Things/One", { a_string: "x" }, { timeoutS: 1.5 });
  assert.equal(answer.name, "y");
  assert.equal(seen.url, "/everything.Things/One");
  assert.equal(seen.request.headers["grpc-timeout"], "1500m");
  assert.equal(seen.request.headers.authorization, "Bearer openassay_1");
  assert.equal(seen.request.headers["content-type"], "application/grpc-web+proto");
  assert.deepEqual(seen.request.body, frame(everything("x")));
});

test("an error comes with its fields and the time to wait, in trailers and in headers", async () => {
  const any = (name, message) => ({ type_url: `type.googleapis.com/${name}`, value: messages.encode(name, message) });
  const details = messages.encode("google.rpc.Status", {
    code: 3,
    details: [
      any("google.rpc.BadRequest", { field_violations: [{ field: "content", description: "is empty" }] }),
      any("google.rpc.RetryInfo", { retry_delay: { seconds: 2, nanos: 500000000 } }),
      { type_url: "type.googleapis.com/of.Tomorrow", value: Uint8Array.from([1]) },
    ],
  });
  const lines = {
    "grpc-status": "3",
    "grpc-message": "no spectrum %E2%80%93 send one",
    "grpc-status-details-bin": Buffer.from(details).toString("base64").replace(/=+$/, ""),
  };
  const ways = [client(trailers(lines)), client(new Uint8Array(0), { headers: lines })];
  for (const way of ways) {
    const error = await fails(way.call("everything.Things/One"));
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.equal(error.message, "no spectrum – send one");
    assert.deepEqual(error.fields, [{ field: "content", description: "is empty" }]);
    assert.equal(error.retryAfterS, 2.5);
    assert.equal(error.retryWords, "Try again in 3 seconds.");
  }
});

test("an error behind answers is told after them", async () => {
  const body = join(frame(everything("a")), trailers({ "grpc-status": 14, "grpc-message": "ends" }));
  const got = [];
  const error = await fails((async () => {
    for await (const one of client(body, { size: 3 }).stream("everything.Things/Many")) got.push(one);
  })());
  assert.equal(got.length, 1);
  assert.equal(error.code, "UNAVAILABLE");
});

test("a broken connection, a proxy and nonsense have a status, too", async () => {
  const ask = (...given) => fails(client(...given).call("everything.Things/One"));
  assert.equal((await ask(frame(inner("y")))).code, "UNAVAILABLE");
  assert.equal((await ask(frame(inner("y")).slice(0, 4))).code, "UNAVAILABLE");
  assert.equal((await ask(new Uint8Array(0))).code, "UNAVAILABLE");
  assert.equal((await ask(new TextEncoder().encode("bad gateway"), { status: 502 })).code, "UNAVAILABLE");
  assert.equal((await ask(new TextEncoder().encode("<html>"))).code, "INTERNAL");
  const answers = join(frame(inner("y")), frame(inner("z")), trailers({ "grpc-status": 0 }));
  assert.equal((await ask(answers)).code, "INTERNAL");
  const broken = new Client(messages, { fetch: () => Promise.reject(new TypeError("Failed to fetch")) });
  assert.equal((await fails(broken.call("everything.Things/One"))).code, "UNAVAILABLE");
});

function silent() {
  const ask = (_, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
    });
  return new Client(messages, { fetch: ask });
}

test("a deadline and a caller who leaves end a call", async () => {
  const late = await fails(silent().call("everything.Things/One", {}, { timeoutS: 0.01 }));
  assert.equal(late.code, "DEADLINE_EXCEEDED");
  const leave = new AbortController();
  const left = silent().call("everything.Things/One", {}, { signal: leave.signal });
  leave.abort();
  assert.equal((await fails(left)).code, "CANCELLED");
});

test("leaving a stream ends the request", async () => {
  const seen = {};
  const body = join(frame(everything("a")), frame(everything("b")));
  for await (const one of client(body, { size: 8, seen }).stream("everything.Things/Many")) {
    assert.equal(one.a_string, "a");
    break;
  }
  assert.ok(seen.request.signal.aborted);
});

test("frames that nobody asked for are refused", () => {
  for (const bytes of [[1, 0, 0, 0, 0], [2, 0, 0, 0, 0], [0, 0xff, 0xff, 0xff, 0xff]]) {
    assert.throws(() => new FrameReader().push(Uint8Array.from(bytes)), FrameError);
  }
  const reader = new FrameReader();
  reader.push(trailers({ "grpc-status": 0 }));
  assert.throws(() => reader.push(frame(inner("late"))), FrameError);
});

test("mistakes of the pages are no errors of the network", async () => {
  await assert.rejects(silent().call("everything.Things/None"), /no method/);
  await assert.rejects(silent().call("everything.Things/Upload"), /cannot stream/);
  await assert.rejects(silent().call("everything.Things/One", { none: 1 }), /no field/);
});
