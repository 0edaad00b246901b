// What went wrong with a call: its status, its details (google.rpc) and words for people.

/// Names of the codes of gRPC.
export const CODES = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

const TITLES = {
  CANCELLED: "The request was cancelled",
  INVALID_ARGUMENT: "The request cannot be used",
  DEADLINE_EXCEEDED: "The server took too long",
  NOT_FOUND: "Not found",
  ALREADY_EXISTS: "It exists already",
  PERMISSION_DENIED: "Your role does not allow this",
  RESOURCE_EXHAUSTED: "Too much at once",
  FAILED_PRECONDITION: "Not possible at the moment",
  ABORTED: "Somebody else was faster",
  OUT_OF_RANGE: "Outside of what is allowed",
  UNIMPLEMENTED: "This server does not offer this",
  UNAVAILABLE: "The server cannot answer now",
  UNAUTHENTICATED: "A token is needed",
};

/// A status of gRPC for an answer that has none, by the status of HTTP (gRPC over HTTP/2,
/// "HTTP to gRPC status code mapping").
const OF_HTTP = {
  400: "INTERNAL",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "UNIMPLEMENTED",
  429: "UNAVAILABLE",
  502: "UNAVAILABLE",
  503: "UNAVAILABLE",
  504: "UNAVAILABLE",
};

/// A call that failed.
export class RpcError extends Error {
  constructor(code, message, details = {}) {
    super(message || code);
    this.name = "RpcError";
    this.code = code;
    /// Violations of single fields: `{field, description}`.
    this.fields = details.fields ?? [];
    /// Seconds after which it is worth trying again, or null.
    this.retryAfterS = details.retryAfterS ?? null;
    /// The stable reason of the server, such as TOO_MANY_REQUESTS; may be empty.
    this.reason = details.reason ?? "";
    /// The server's name for the request, for its log; may be empty.
    this.requestId = details.requestId ?? "";
  }

  /// In a few words.
  get title() {
    return TITLES[this.code] ?? "The server failed";
  }

  /// When to try again, in words; empty where the server does not say.
  get retryWords() {
    if (this.retryAfterS === null) return "";
    const seconds = Math.max(1, Math.ceil(this.retryAfterS));
    return seconds === 1 ? "Try again in a second." : `Try again in ${seconds} seconds.`;
  }
}

/// The error of trailers or headers with a status; null for OK.
export function faultOf(metadata, messages) {
  const number = Number(metadata.get("grpc-status"));
  if (number === 0) return null;
  const code = CODES[number] ?? "UNKNOWN";
  const details = detailsOf(metadata.get("grpc-status-details-bin"), messages);
  details.requestId = metadata.get("x-request-id") ?? "";
  return new RpcError(code, unescape(metadata.get("grpc-message") ?? ""), details);
}

/// The error of an answer of HTTP without a status of gRPC.
export function faultOfHttp(status, text = "") {
  const words = text.trim() || `the server answered with HTTP ${status}`;
  return new RpcError(OF_HTTP[status] ?? "UNKNOWN", words);
}

/// The error of a connection that failed.
export function unreachable() {
  return new RpcError(
    "UNAVAILABLE",
    "The server does not answer, or the connection broke. Is it running?",
  );
}

/// Percent-encoding as gRPC has it; what is none stays as it is.
function unescape(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function detailsOf(encoded, messages) {
  const details = {};
  if (!encoded) return details;
  try {
    const status = messages.decode("google.rpc.Status", fromBase64(encoded));
    for (const { type_url: url, value } of status.details) {
      addDetail(details, url.split("/").pop(), value, messages);
    }
  } catch {
    // The status stands without what cannot be read.
  }
  return details;
}

function addDetail(details, name, bytes, messages) {
  if (name === "google.rpc.BadRequest") {
    details.fields = messages.decode(name, bytes).field_violations;
  } else if (name === "google.rpc.RetryInfo") {
    const delay = messages.decode(name, bytes).retry_delay;
    if (delay) details.retryAfterS = Number(delay.seconds) + delay.nanos / 1e9;
  } else if (name === "google.rpc.ErrorInfo") {
    details.reason = messages.decode(name, bytes).reason;
  }
}

/// Base64 with or without padding, as metadata has it.
export function fromBase64(text) {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/").replace(/=+$/, ""));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}
