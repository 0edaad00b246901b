// Messages to bytes and back by a description of the interface (schema.json), which the server
// makes of its own. Messages are plain objects with the field names of the .proto files.
//
// Absent messages, `optional` fields and members of a `oneof` are null. Numbers of 64 bits are
// BigInt; strings and numbers are taken for them, too. Enumerations are their names, or the number
// where the name is not known. Maps are Map, bytes are Uint8Array.

import { BYTES, FIXED32, FIXED64, Reader, VARINT, WireError, Writer } from "./wire.js";

const DEEPEST = 100;

const WIRE_TYPES = {
  double: FIXED64,
  fixed64: FIXED64,
  sfixed64: FIXED64,
  float: FIXED32,
  fixed32: FIXED32,
  sfixed32: FIXED32,
  string: BYTES,
  bytes: BYTES,
  message: BYTES,
};
const LARGE = new Set(["int64", "uint64", "sint64", "fixed64", "sfixed64"]);

const wireType = (field) => WIRE_TYPES[field.kind] ?? VARINT;
const isPacked = (field) => field.repeated && wireType(field) !== BYTES;

/// A question that is not in the interface: a mistake of these pages, or pages of another version.
export class InterfaceError extends TypeError {}

/// All messages, enumerations and methods of an interface.
export class Messages {
  constructor(schema) {
    this.methods = schema.methods;
    this.fields = new Map();
    for (const [name, fields] of Object.entries(schema.messages)) {
      this.fields.set(name, {
        list: fields,
        byNumber: new Map(fields.map((field) => [field.number, field])),
        byName: new Map(fields.map((field) => [field.name, field])),
      });
    }
    this.names = new Map();
    this.numbers = new Map();
    for (const [name, values] of Object.entries(schema.enums)) {
      const pairs = Object.entries(values).map(([number, value]) => [Number(number), value]);
      this.names.set(name, new Map(pairs));
      this.numbers.set(name, new Map(pairs.map(([number, value]) => [value, number])));
    }
  }

  /// The description of a message.
  of(name) {
    const found = this.fields.get(name);
    if (!found) throw new InterfaceError(`the interface has no message ${name}`);
    return found;
  }

  encode(name, message) {
    const writer = new Writer();
    this.write(writer, name, message, DEEPEST);
    return writer.finish();
  }

  decode(name, bytes) {
    return this.read(new Reader(bytes), name, DEEPEST);
  }

  write(writer, name, message, depth) {
    if (depth === 0) throw new InterfaceError(`${name} is too deep`);
    const { list, byName } = this.of(name);
    for (const given of Object.keys(message)) {
      if (!byName.has(given)) throw new InterfaceError(`${name} has no field ${given}`);
    }
    for (const field of list) {
      const value = message[field.name];
      if (value === undefined || value === null) continue;
      if (field.map) this.writeMap(writer, field, value, depth);
      else if (field.repeated) this.writeList(writer, field, value, depth);
      else if (this.isSaid(field, value)) this.writeOne(writer, field, value, depth);
    }
  }

  /// Whether a value is other than what an absent field means.
  isSaid(field, value) {
    if (field.optional || field.oneof || field.kind === "message") return true;
    if (field.kind === "string" || field.kind === "bytes") return value.length > 0;
    if (field.kind === "enum") return this.numberOf(field, value) !== 0;
    if (field.kind === "bool") return Boolean(value);
    if (LARGE.has(field.kind)) return BigInt(value) !== 0n;
    return !Object.is(Number(value), 0);
  }

  writeOne(writer, field, value, depth) {
    writer.tag(field.number, wireType(field));
    this.writeValue(writer, field, value, depth);
  }

  writeValue(writer, field, value, depth) {
    if (field.kind === "message") {
      const inner = new Writer();
      this.write(inner, field.type, value, depth - 1);
      writer.raw(inner.finish());
    } else if (field.kind === "enum") {
      writer.int32(this.numberOf(field, value));
    } else if (field.kind === "bytes") {
      writer.raw(value);
    } else {
      writer[field.kind](value);
    }
  }

  writeList(writer, field, values, depth) {
    if (values.length === 0) return;
    if (!isPacked(field)) {
      for (const value of values) this.writeOne(writer, field, value, depth);
      return;
    }
    const inner = new Writer();
    for (const value of values) this.writeValue(inner, field, value, depth);
    writer.tag(field.number, BYTES);
    writer.raw(inner.finish());
  }

  writeMap(writer, field, entries, depth) {
    const pairs = entries instanceof Map ? entries : Object.entries(entries);
    for (const [key, value] of pairs) {
      const inner = new Writer();
      this.write(inner, field.type, { key, value }, depth - 1);
      writer.tag(field.number, BYTES);
      writer.raw(inner.finish());
    }
  }

  numberOf(field, value) {
    if (typeof value === "number") return value;
    const number = this.numbers.get(field.type)?.get(value);
    if (number === undefined) throw new InterfaceError(`${field.type} has no value ${value}`);
    return number;
  }

  read(reader, name, depth) {
    if (depth === 0) throw new WireError(`${name} is too deep`);
    const { list, byNumber } = this.of(name);
    const message = {};
    for (const field of list) message[field.name] = this.absent(field);
    while (!reader.done) {
      const [number, found] = reader.tag();
      const field = byNumber.get(number);
      if (!field) reader.skip(found);
      else if (field.map) this.readEntry(reader, field, found, message, depth);
      else if (field.repeated) this.readList(reader, field, found, message, depth);
      else this.readOne(reader, field, found, message, list, depth);
    }
    return message;
  }

  /// What a field is that no byte tells of.
  absent(field) {
    if (field.map) return new Map();
    if (field.repeated) return [];
    if (field.optional || field.oneof || field.kind === "message") return null;
    return this.zero(field);
  }

  zero(field) {
    if (field.kind === "string") return "";
    if (field.kind === "bytes") return new Uint8Array(0);
    if (field.kind === "bool") return false;
    if (field.kind === "enum") return this.names.get(field.type)?.get(0) ?? 0;
    return LARGE.has(field.kind) ? 0n : 0;
  }

  readOne(reader, field, found, message, list, depth) {
    if (found !== wireType(field)) return reader.skip(found);
    const value = this.readValue(reader, field, depth);
    if (field.oneof) {
      for (const other of list) {
        if (other.oneof === field.oneof) message[other.name] = null;
      }
    }
    message[field.name] = value;
    return undefined;
  }

  readValue(reader, field, depth) {
    if (field.kind === "message") {
      return this.read(new Reader(reader.raw()), field.type, depth - 1);
    }
    if (field.kind === "enum") {
      const number = reader.int32();
      return this.names.get(field.type)?.get(number) ?? number;
    }
    // A copy, so that one field does not keep a whole answer.
    return field.kind === "bytes" ? reader.raw().slice() : reader[field.kind]();
  }

  readList(reader, field, found, message, depth) {
    const values = message[field.name];
    if (found === BYTES && isPacked(field)) {
      const inner = new Reader(reader.raw());
      while (!inner.done) values.push(this.readValue(inner, field, depth));
    } else if (found === wireType(field)) {
      values.push(this.readValue(reader, field, depth));
    } else {
      reader.skip(found);
    }
  }

  readEntry(reader, field, found, message, depth) {
    if (found !== BYTES) {
      reader.skip(found);
      return;
    }
    const entry = this.read(new Reader(reader.raw()), field.type, depth - 1);
    const { byName } = this.of(field.type);
    const value = entry.value ?? this.decode(byName.get("value").type, new Uint8Array(0));
    message[field.name].set(entry.key, value);
  }
}
