import { decode } from "./bytes";

/** A buffered request body: what `Outcome.wantBody` asked for. */
export class Body {
  /** `complete`: `bytes` is all of it. `carry` is what `onRequest` handed over. */
  constructor(public bytes: Uint8Array, public complete: bool, public carry: Uint8Array) {}

  get text(): string {
    return decode(this.bytes);
  }
}

/** What became of an exchange. */
export class Summary {
  status: i32 = 0;
  durationUs: u64 = 0;
  upstreamUs: u64 = 0;
  bytesIn: u64 = 0;
  bytesOut: u64 = 0;
  backend: string | null = null;
  retries: i32 = 0;
  /** The label of the failure that answered, if one did. */
  error: string | null = null;
}
