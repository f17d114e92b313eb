// Values of this ingress process, shared by all workers, by policy; they survive a swap of the module. Needs the grant
// `kv-local`.

import { answer, bytesAt, mark, ofBytes, ofText, release, textLength } from "./abi";
import { decode } from "./bytes";
import { kvCompareAndSet, kvDelete, kvGet, kvSet } from "./host";

export class Entry {
  /** `version` rises with each write. */
  constructor(public value: Uint8Array, public version: u64) {}

  get text(): string {
    return decode(this.value);
  }
}

/** Why a value was not written. Conflict: the version is another. */
export enum Failure { None = -1, Denied, Quota, TooLarge, Invalid, Conflict }

export class Written {
  constructor(public failure: Failure, public version: u64) {}

  get ok(): bool {
    return this.failure == Failure.None;
  }
}

export function get(key: string): Entry | null {
  const before = mark();
  kvGet(ofText(key), textLength, answer);
  const entry: Entry | null = load<u8>(answer) ? new Entry(bytesAt(answer + 8), load<u64>(answer, 16)) : null;
  release(before);
  return entry;
}

/** `ttlMs` 0: until evicted. */
export function set(key: string, value: Uint8Array, ttlMs: u32): Written {
  const before = mark();
  kvSet(ofText(key), textLength, ofBytes(value), value.length, ttlMs, answer);
  return written(before);
}

/** Writes if the version is still this one; version 0: only if absent. */
export function compareAndSet(key: string, version: u64, value: Uint8Array, ttlMs: u32): Written {
  const before = mark();
  kvCompareAndSet(ofText(key), textLength, version, ofBytes(value), value.length, ttlMs, answer);
  return written(before);
}

export function remove(key: string): void {
  const before = mark();
  kvDelete(ofText(key), textLength);
  release(before);
}

function written(before: usize): Written {
  release(before);
  if (load<u8>(answer)) return new Written(<Failure>load<u8>(answer, 8), 0);
  return new Written(Failure.None, load<u64>(answer, 8));
}
