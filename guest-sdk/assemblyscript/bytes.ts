// Bytes and text: headers, bodies and kept values may be any bytes, and are mostly UTF-8.

/** As UTF-8. */
export function encode(text: string): Uint8Array {
  const buffer = String.UTF8.encode(text, false, String.UTF8.ErrorMode.REPLACE);
  return Uint8Array.wrap(buffer);
}

/** Of UTF-8; what is not is read somehow. */
export function decode(bytes: Uint8Array): string {
  return String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}
