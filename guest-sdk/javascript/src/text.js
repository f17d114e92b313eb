// Text and bytes. The runtime of a component has no TextEncoder and no TextDecoder, so these are our own.

const CHUNK = 4096;

/** UTF-8 of a text; half of a surrogate pair becomes U+FFFD. */
export function encode(text) {
  const binary = /[^\x00-\x7f]/.test(text) ? unescape(encodeURIComponent(text.toWellFormed())) : text;
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** The text that the bytes are in UTF-8; `undefined` where they are not. */
export function decodeStrict(bytes) {
  const binary = latin1(bytes);
  if (!/[\x80-\xff]/.test(binary)) return binary;
  try {
    return decodeURIComponent(escape(binary));
  } catch {
    return undefined;
  }
}

/** The text that the bytes are in UTF-8, with U+FFFD for what is not. */
export function decode(bytes) {
  return decodeStrict(bytes) ?? decodeLossy(bytes);
}

/** Bytes as they are, a text as UTF-8. */
export function bytesOf(value) {
  if (value instanceof Uint8Array) return value;
  if (typeof value === "string") return encode(value);
  throw new TypeError(`expected a text or a Uint8Array, got ${kind(value)}`);
}

export function kind(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : value === undefined ? "undefined" : `a ${typeof value}`;
}

export function toHex(bytes) {
  let text = "";
  for (const byte of bytes) text += (byte < 16 ? "0" : "") + byte.toString(16);
  return text;
}

function latin1(bytes) {
  if (bytes.length <= CHUNK) return String.fromCharCode.apply(null, bytes);
  let text = "";
  for (let at = 0; at < bytes.length; at += CHUNK) text += String.fromCharCode.apply(null, bytes.subarray(at, at + CHUNK));
  return text;
}

/** As the Encoding Standard decodes: one U+FFFD for each longest beginning of a sequence that goes wrong. */
function decodeLossy(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at];
    const wanted = lead < 0x80 ? 0 : lead >= 0xc2 && lead < 0xe0 ? 1 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xf0 && lead < 0xf5 ? 3 : -1;
    let taken = 1;
    if (wanted < 0) {
      text += "\ufffd";
    } else {
      let code = wanted === 0 ? lead : lead & (0x3f >> wanted);
      while (taken <= wanted && follows(bytes, at, taken)) code = (code << 6) | (bytes[at + taken++] & 0x3f);
      text += taken > wanted ? String.fromCodePoint(code) : "\ufffd";
    }
    at += taken;
  }
  return text;
}

/** Whether the byte may be the nth after its lead: no overlong forms, no surrogates, nothing over U+10FFFF. */
function follows(bytes, at, nth) {
  const [lead, byte] = [bytes[at], bytes[at + nth]];
  const low = nth > 1 ? 0x80 : lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = nth > 1 ? 0xbf : lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= low && byte <= high;
}
