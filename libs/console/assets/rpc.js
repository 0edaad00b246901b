// Calls over gRPC-Web (PROTOCOL-WEB of gRPC): one question, one answer or a stream of them, with a
// deadline, an end from outside, and metadata.

import { FrameError, FrameReader, frame } from "./frames.js";
import { RpcError, faultOf, faultOfHttp, unreachable } from "./faults.js";
import { InterfaceError } from "./messages.js";
import { WireError } from "./wire.js";

const CONTENT_TYPE = "application/grpc-web+proto";

/// A connection to the server that the page came from, or to another for tests.
export class Client {
  /// `token`: gives the token to send, or null.
  constructor(messages, { base = "", token = () => null, fetch: ask = null } = {}) {
    this.messages = messages;
    this.base = base;
    this.token = token;
    this.ask = ask ?? ((...request) => globalThis.fetch(...request));
  }

  /// One answer. `method` is such as `openassay.gate.v1.GateService/Identify`.
  async call(method, message = {}, options = {}) {
    let answer = null;
    for await (const one of this.stream(method, message, options)) {
      if (answer) throw new RpcError("INTERNAL", "the server sent more than one answer");
      answer = one;
    }
    if (!answer) throw new RpcError("INTERNAL", "the server sent no answer");
    return answer;
  }

  /// Answers as they come. Leaving the loop ends the call. Options: `timeoutS`, `signal`.
  async *stream(method, message = {}, { timeoutS = 0, signal = null } = {}) {
    const described = this.messages.methods[method];
    if (!described) throw new InterfaceError(`the interface has no method ${method}`);
    if (described.client_streaming) throw new InterfaceError(`browsers cannot stream to ${method}`);
    const end = new End(timeoutS, signal);
    try {
      const body = frame(this.messages.encode(described.request, message));
      const response = await this.send(method, body, timeoutS, end.signal);
      for await (const bytes of this.receive(response)) {
        yield this.messages.decode(described.response, bytes);
      }
    } catch (error) {
      throw end.explain(error);
    } finally {
      // Also where nobody wants the rest.
      end.close();
    }
  }

  send(method, body, timeoutS, signal) {
    const headers = { "content-type": CONTENT_TYPE, accept: CONTENT_TYPE, "x-grpc-web": "1" };
    const token = this.token();
    if (token) headers.authorization = `Bearer ${token}`;
    if (timeoutS > 0) headers["grpc-timeout"] = `${Math.ceil(timeoutS * 1000)}m`;
    const request = { method: "POST", headers, body, signal, cache: "no-store", mode: "same-origin" };
    request.credentials = "same-origin";
    if (this.base) delete request.mode;
    return this.ask(`${this.base}/${method}`, request);
  }

  /// The messages of an answer; an error where it ends with one.
  async *receive(response) {
    // An answer without a body has its status in its headers.
    if (response.headers.has("grpc-status")) {
      const fault = faultOf(new Map(response.headers), this.messages);
      if (fault) {
        await response.body?.cancel();
        throw fault;
      }
    } else if (!response.ok) {
      throw faultOfHttp(response.status, (await response.text()).slice(0, 500));
    }
    const frames = new FrameReader();
    for await (const piece of pieces(response)) yield* frames.push(piece);
    if (frames.trailers) {
      const id = response.headers.get("x-request-id");
      if (id) frames.trailers.set("x-request-id", id);
      const fault = faultOf(frames.trailers, this.messages);
      if (fault) throw fault;
    } else if (!frames.atEnd || !response.headers.has("grpc-status")) {
      throw unreachable();
    }
  }
}

async function* pieces(response) {
  if (!response.body) return;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}

/// What can end a call before its answer: a deadline, or somebody who does not want it any more.
class End {
  constructor(timeoutS, signal) {
    this.controller = new AbortController();
    this.outer = signal;
    this.late = false;
    this.stop = () => this.controller.abort();
    if (signal?.aborted) this.stop();
    signal?.addEventListener("abort", this.stop);
    if (timeoutS > 0) {
      this.timer = setTimeout(() => {
        this.late = true;
        this.stop();
      }, timeoutS * 1000);
    }
  }

  get signal() {
    return this.controller.signal;
  }

  close() {
    clearTimeout(this.timer);
    this.outer?.removeEventListener("abort", this.stop);
    this.stop();
  }

  /// An error in words of gRPC.
  explain(error) {
    if (error instanceof RpcError) return error;
    if (this.late) return new RpcError("DEADLINE_EXCEEDED", "No answer came in time.");
    if (this.signal.aborted) return new RpcError("CANCELLED", "The request was stopped.");
    if (error instanceof FrameError || error instanceof WireError) {
      return new RpcError("INTERNAL", `The answer cannot be read: ${error.message}.`);
    }
    // A mistake of ours stays one; everything else is what fetch throws when the network fails.
    return error instanceof InterfaceError ? error : unreachable();
  }
}
