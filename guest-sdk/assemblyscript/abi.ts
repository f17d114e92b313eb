// Values over the border of the component, in the layout of the canonical ABI.
//
// What is handed over in a call, either way, lies in the arena, which is no memory of the collector; it is free again when
// the next call begins, since the host has read the outcome by then.

const ARENA: i32 = 16 << 10;
const arena = memory.data(ARENA, 8);
let next: usize = arena;
// Blocks that did not fit: a chain through their first words.
let overflow: usize = 0;
// The call is over: what is in the arena is the host's, until it calls again.
let isLent: bool = false;

/** Where the host puts answers of a fixed size. */
export const answer = memory.data(32, 8);

export function take(size: usize, align: usize): usize {
  const start = (next + align - 1) & ~(align - 1);
  if (size <= arena + <usize>ARENA - start) {
    next = start + size;
    return start;
  }
  const block = heap.alloc(size + 8);
  store<usize>(block, overflow);
  overflow = block;
  return block + 8;
}

/** Called by the host: through `cabi_realloc`. */
export function realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  begin();
  const block = take(size, align);
  memory.copy(block, old, oldSize);
  return block;
}

/** Frees what the last call lent to the host, if that is not done yet. */
export function begin(): void {
  if (!isLent) return;
  isLent = false;
  next = arena;
  while (overflow) {
    const block = overflow;
    overflow = load<usize>(block);
    heap.free(block);
  }
}

/** The call is over, and what is in the arena is the host's. */
export function lend(): void {
  isLent = true;
}

/** Where the arena is, to go back to when an answer has been copied. */
export function mark(): usize {
  return next;
}

export function release(to: usize): void {
  next = to;
}

// ---- to the host

/** The length of the last text that `ofText` wrote, in bytes. */
export let textLength: i32 = 0;

/** UTF-8 in the arena; half a pair becomes U+FFFD. */
export function ofText(text: string): usize {
  textLength = String.UTF8.byteLength(text);
  const to = take(textLength, 1);
  String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, to, false, String.UTF8.ErrorMode.REPLACE);
  return to;
}

export function ofBytes(bytes: Uint8Array): usize {
  const to = take(bytes.length, 1);
  memory.copy(to, bytes.dataStart, bytes.length);
  return to;
}

/** Writes the two words of a string. */
export function putText(at: usize, text: string): void {
  store<usize>(at, ofText(text));
  store<i32>(at, textLength, 4);
}

/** Writes the two words of a list of bytes. */
export function putBytes(at: usize, bytes: Uint8Array): void {
  store<usize>(at, ofBytes(bytes));
  store<i32>(at, bytes.length, 4);
}

// ---- from the host, each the copy of what two words describe

export function textAt(at: usize): string {
  return String.UTF8.decodeUnsafe(load<usize>(at), load<i32>(at, 4));
}

export function bytesAt(at: usize): Uint8Array {
  return copied(load<usize>(at), load<i32>(at, 4));
}

export function copied(address: usize, length: i32): Uint8Array {
  const bytes = new Uint8Array(length);
  memory.copy(bytes.dataStart, address, length);
  return bytes;
}
