// The frames of gRPC-Web: messages and trailers in the body of an answer, in whatever pieces it
// comes.

const PREFIX_BYTES = 5;
const TRAILERS = 0x80;
const COMPRESSED = 0x01;

/// Longest message that is taken, so that a broken answer does not fill the memory.
export const LONGEST_MESSAGE = 256 << 20;

/// An answer that is no gRPC-Web.
export class FrameError extends Error {}

/// The body of a request with one message.
export function frame(message) {
  const body = new Uint8Array(PREFIX_BYTES + message.length);
  new DataView(body.buffer).setUint32(1, message.length);
  body.set(message, PREFIX_BYTES);
  return body;
}

/// Takes pieces of a body and gives frames as soon as they are whole.
export class FrameReader {
  constructor() {
    this.pieces = [];
    this.have = 0;
    /// What the current frame needs before it can be taken.
    this.need = PREFIX_BYTES;
    this.flag = null;
    /// Metadata at the end, once it is there.
    this.trailers = null;
  }

  /// The messages that this piece completes.
  push(piece) {
    this.pieces.push(piece);
    this.have += piece.length;
    const messages = [];
    while (this.have >= this.need) {
      if (this.trailers) throw new FrameError("something follows the trailers");
      const bytes = this.take(this.need);
      if (this.flag === null) this.begin(bytes);
      else this.end(bytes, messages);
    }
    return messages;
  }

  /// Whether the body may end here.
  get atEnd() {
    return this.have === 0 && this.flag === null;
  }

  begin(prefix) {
    const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
    const flag = view.getUint8(0);
    const length = view.getUint32(1);
    if (flag & COMPRESSED) throw new FrameError("the answer is compressed, which nobody asked for");
    if (flag & ~TRAILERS) throw new FrameError(`a frame has the flag ${flag}`);
    if (length > LONGEST_MESSAGE) throw new FrameError(`a frame of ${length} bytes is too large`);
    this.flag = flag;
    this.need = length;
  }

  end(bytes, messages) {
    if (this.flag & TRAILERS) this.trailers = parseTrailers(bytes);
    else messages.push(bytes);
    this.flag = null;
    this.need = PREFIX_BYTES;
  }

  /// Takes bytes out of the pieces, without a copy where one piece has them all.
  take(length) {
    this.have -= length;
    const first = this.pieces[0];
    if (first && first.length >= length) {
      if (first.length === length) this.pieces.shift();
      else this.pieces[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const piece = this.pieces[0];
      const part = piece.subarray(0, length - filled);
      bytes.set(part, filled);
      filled += part.length;
      if (part.length === piece.length) this.pieces.shift();
      else this.pieces[0] = piece.subarray(part.length);
    }
    return bytes;
  }
}

/// Lines `name: value`, names in lower case.
export function parseTrailers(bytes) {
  const trailers = new Map();
  for (const line of new TextDecoder().decode(bytes).split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) {
      trailers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
    }
  }
  return trailers;
}
