// The pages' encoder and decoder against vectors that Google's Python implementation made.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { InterfaceError, Messages } from "../assets/messages.js";
import { WireError } from "../assets/wire.js";

const NAME = "everything.Everything";
const file = new URL("vectors/vectors.json", import.meta.url);
const { schema, vectors } = JSON.parse(readFileSync(file, "utf8"));
const messages = new Messages(schema);
const bytesOf = (text) => new Uint8Array(Buffer.from(text, "base64"));

// Values of the vectors as the decoder gives them.
function value(told) {
  if (Array.isArray(told)) return told.map(value);
  if (told === null || typeof told !== "object") return told;
  if ("large" in told) return BigInt(told.large);
  if ("base64" in told) return bytesOf(told.base64);
  if ("number" in told) return Number(told.number);
  if ("map" in told) return new Map(told.map.map(([key, item]) => [value(key), value(item)]));
  return Object.fromEntries(Object.entries(told).map(([key, item]) => [key, value(item)]));
}

// The order of a map's entries means nothing.
function sorted(message) {
  const order = (a, b) => (String(a[0]) < String(b[0]) ? -1 : 1);
  for (const [key, item] of Object.entries(message)) {
    if (item instanceof Map) message[key] = new Map([...item].sort(order));
  }
  return message;
}

test("bytes of another implementation are understood", () => {
  assert.ok(vectors.length > 30);
  for (const { name, base64, message } of vectors) {
    const decoded = messages.decode(NAME, bytesOf(base64));
    assert.deepStrictEqual(sorted(decoded), sorted(value(message)), name);
  }
});

test("the same bytes are written, maps in whatever order", () => {
  for (const { name, base64, message } of vectors) {
    const encoded = messages.encode(NAME, value(message));
    if (name === "maps") {
      const again = sorted(messages.decode(NAME, encoded));
      assert.deepStrictEqual(again, sorted(value(message)), name);
    } else {
      const expected = messages.decode(NAME, bytesOf(base64));
      assert.deepStrictEqual(messages.decode(NAME, encoded), expected, name);
      // What another packs otherwise is as right.
      if (name !== "not packed") assert.deepEqual(encoded, bytesOf(base64), name);
    }
  }
});

test("large numbers may be given as text, and fields may be left out", () => {
  const large = "18446744073709551615";
  const encoded = messages.encode(NAME, { a_uint64: large, an_int32: null });
  assert.equal(messages.decode(NAME, encoded).a_uint64, BigInt(large));
});

test("what is not in the interface is refused", () => {
  assert.throws(() => messages.encode(NAME, { a_strin: "x" }), InterfaceError);
  assert.throws(() => messages.encode(NAME, { a_colour: "BLUE" }), InterfaceError);
  assert.throws(() => messages.encode("everything.None", {}), InterfaceError);
});

test("fields of tomorrow are passed over, also those of another wire type", () => {
  const unknown = [0x98, 0x06, 5, 0x9a, 0x06, 1, 7, 0x9d, 0x06, 1, 2, 3, 4];
  const known = messages.encode(NAME, { a_string: "x" });
  const decoded = messages.decode(NAME, Uint8Array.from([...unknown, ...known]));
  assert.equal(decoded.a_string, "x");
  // a_double as a varint
  assert.equal(messages.decode(NAME, Uint8Array.from([0x08, 1])).a_double, 0);
});

test("cut and nonsensical bytes are told as such, or read as far as they make sense", () => {
  for (const { base64 } of vectors.slice(0, 12)) {
    const bytes = bytesOf(base64);
    for (let end = 0; end < bytes.length; end += 1) {
      try {
        messages.decode(NAME, bytes.subarray(0, end));
      } catch (error) {
        assert.ok(error instanceof WireError, String(error));
      }
    }
  }
  const bad = [[0x72, 1, 0xff], [0x00], [0x0f], Array(11).fill(0xff), [0x72, 0xff, 0xff, 0xff, 0xff, 0x0f]];
  for (const bytes of bad) {
    assert.throws(() => messages.decode(NAME, Uint8Array.from(bytes)), WireError);
  }
});

test("a message that is too deep is refused both ways", () => {
  let message = { name: "end" };
  let bytes = Uint8Array.from([]);
  for (let level = 0; level < 120; level += 1) {
    message = { children: [message] };
    const length = [];
    for (let rest = bytes.length; ; rest >>>= 7) {
      length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
      if (rest <= 0x7f) break;
    }
    bytes = Uint8Array.from([0x12, ...length, ...bytes]);
  }
  assert.throws(() => messages.encode("everything.Inner", message), InterfaceError);
  assert.throws(() => messages.decode("everything.Inner", bytes), WireError);
});
