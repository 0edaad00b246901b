// The wire format of protocol buffers: varints, fixed numbers, lengths, tags. What a field means
// is known in messages.js.

/// How a field's bytes end.
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

const MASK64 = (1n << 64n) - 1n;
const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true });

/// Bytes that are no message.
export class WireError extends Error {}

/// Reads bytes from front to back.
export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
  }

  get done() {
    return this.at >= this.bytes.length;
  }

  /// Takes so many bytes and gives their place.
  step(length) {
    const from = this.at;
    if (length > this.bytes.length - from) {
      throw new WireError("the message is cut off");
    }
    this.at += length;
    return from;
  }

  /// A varint of up to 64 bits as two halves of 32.
  halves() {
    let low = 0;
    let high = 0;
    for (let place = 0; place < 10; place += 1) {
      const byte = this.bytes[this.step(1)];
      const bits = byte & 0x7f;
      if (place < 4) {
        low |= bits << (7 * place);
      } else if (place === 4) {
        low |= bits << 28;
        high |= bits >> 4;
      } else {
        high |= bits << (7 * place - 32);
      }
      if (byte < 0x80) {
        return [low >>> 0, high >>> 0];
      }
    }
    throw new WireError("a varint has more than ten bytes");
  }

  /// The lower 32 bits of a varint, without a sign.
  uint32() {
    return this.halves()[0];
  }

  /// The lower 32 bits of a varint, with a sign.
  int32() {
    return this.halves()[0] | 0;
  }

  sint32() {
    const value = this.uint32();
    return (value >>> 1) ^ -(value & 1);
  }

  uint64() {
    const [low, high] = this.halves();
    return (BigInt(high) << 32n) | BigInt(low);
  }

  int64() {
    return BigInt.asIntN(64, this.uint64());
  }

  sint64() {
    const value = this.uint64();
    return (value >> 1n) ^ -(value & 1n);
  }

  bool() {
    const [low, high] = this.halves();
    return low !== 0 || high !== 0;
  }

  fixed32() {
    return this.view.getUint32(this.step(4), true);
  }

  sfixed32() {
    return this.view.getInt32(this.step(4), true);
  }

  fixed64() {
    return this.view.getBigUint64(this.step(8), true);
  }

  sfixed64() {
    return this.view.getBigInt64(this.step(8), true);
  }

  float() {
    return this.view.getFloat32(this.step(4), true);
  }

  double() {
    return this.view.getFloat64(this.step(8), true);
  }

  /// Bytes behind their length.
  raw() {
    const length = this.uint32();
    const from = this.step(length);
    return this.bytes.subarray(from, from + length);
  }

  string() {
    try {
      return fromUtf8.decode(this.raw());
    } catch (error) {
      throw error instanceof WireError ? error : new WireError("a string is not UTF-8");
    }
  }

  /// Number and wire type of the next field.
  tag() {
    const tag = this.uint32();
    if (tag >>> 3 === 0) {
      throw new WireError("a field has the number 0");
    }
    return [tag >>> 3, tag & 7];
  }

  /// Goes past a field that is not known.
  skip(wireType) {
    if (wireType === VARINT) this.halves();
    else if (wireType === FIXED64) this.step(8);
    else if (wireType === BYTES) this.raw();
    else if (wireType === FIXED32) this.step(4);
    else throw new WireError(`wire type ${wireType} is not used by proto3`);
  }
}

/// Writes values one behind the other.
export class Writer {
  constructor() {
    this.bytes = new Uint8Array(256);
    this.length = 0;
  }

  /// Makes room and gives its place.
  grow(length) {
    const from = this.length;
    const needed = from + length;
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.max(needed, 2 * this.bytes.length));
      larger.set(this.bytes.subarray(0, from));
      this.bytes = larger;
    }
    this.length = needed;
    return from;
  }

  byte(value) {
    const from = this.grow(1);
    this.bytes[from] = value;
  }

  /// A varint of a number that is not negative and below 2^32.
  uint32(value) {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /// Negative numbers take ten bytes, as if they had 64 bits.
  int32(value) {
    if (value < 0) this.uint64(BigInt(value | 0));
    else this.uint32(value);
  }

  sint32(value) {
    this.uint32((value << 1) ^ (value >> 31));
  }

  uint64(value) {
    let rest = BigInt(value) & MASK64;
    while (rest > 0x7fn) {
      this.byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.byte(Number(rest));
  }

  int64(value) {
    this.uint64(value);
  }

  sint64(value) {
    const signed = BigInt(value);
    this.uint64((signed << 1n) ^ (signed >> 63n));
  }

  bool(value) {
    this.byte(value ? 1 : 0);
  }

  /// Room for so many bytes as a view.
  place(length) {
    const from = this.grow(length);
    return new DataView(this.bytes.buffer, from, length);
  }

  fixed32(value) {
    this.place(4).setUint32(0, value, true);
  }

  sfixed32(value) {
    this.place(4).setInt32(0, value, true);
  }

  fixed64(value) {
    this.place(8).setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
  }

  sfixed64(value) {
    this.place(8).setBigInt64(0, BigInt.asIntN(64, BigInt(value)), true);
  }

  float(value) {
    this.place(4).setFloat32(0, value, true);
  }

  double(value) {
    this.place(8).setFloat64(0, value, true);
  }

  /// Bytes behind their length.
  raw(bytes) {
    this.uint32(bytes.length);
    const from = this.grow(bytes.length);
    this.bytes.set(bytes, from);
  }

  string(text) {
    this.raw(utf8.encode(text));
  }

  tag(number, wireType) {
    this.uint32(((number << 3) | wireType) >>> 0);
  }

  finish() {
    return this.bytes.slice(0, this.length);
  }
}
