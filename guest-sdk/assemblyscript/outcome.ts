// In the order of the interface.
export const enum Decision { Next, Route, Redirect, Respond, Deny, WantBody }
export const enum EditKind { Set, Append, Remove, SetPath, SetQuery, SetAuthority }

/** Of the SDK. The value is text or bytes; neither where there is none. */
export class Edit {
  constructor(public kind: EditKind, public name: string, public text: string | null, public bytes: Uint8Array | null) {}
}

/** A backend to draw, and its weight of the sum. */
export class Weighted {
  constructor(public backend: string, public weight: u32) {}
}

/** A label of endpoints, or of the access line. */
export class Label {
  constructor(public key: string, public value: string) {}
}

/** Of the SDK: a header to send. */
export class Field {
  constructor(public name: string, public text: string) {}
}

/** Lists are made when there is something to put into them. */
function added<T>(list: Array<T> | null, element: T): Array<T> {
  const into = list === null ? new Array<T>(0) : list;
  into.push(element);
  return into;
}

/**
 * What a request phase decides, built by chaining; the host checks all of it, and applies all or nothing. Begin with
 * `Outcome.next`, `route`, `weighted`, `subset`, `redirect`, `respond`, `deny` or `wantBody`.
 */
export class Outcome {
  // Of the SDK: what lower.ts reads.
  decision: Decision = Decision.Next;
  status: i32 = 0;
  /** A backend, location or reason. */
  text: string = "";
  body: string | null = null;
  bytes: Uint8Array | null = null;
  headers: Array<Field> | null = null;
  retryAfter: i64 = -1;
  backends: Array<Weighted> | null = null;
  endpoints: Array<Label> | null = null;
  bodyMax: u32 = 0;
  denyOverflow: bool = false;
  edits: Array<Edit> | null = null;
  responseEdits: Array<Edit> | null = null;
  follow: u8 = 0;
  carried: Uint8Array | null = null;
  labels: Array<Label> | null = null;

  /** No opinion: the next policy, then the route's own backend. */
  static next(): Outcome {
    return new Outcome();
  }

  /** To a backend that the route declares; later policies may choose again. */
  static route(backend: string): Outcome {
    return made(Decision.Route, 0, backend);
  }

  /** The host draws a backend by weight; at most 16. */
  static weighted(backends: Array<Weighted>): Outcome {
    const outcome = made(Decision.Route, 0, "");
    outcome.backends = backends;
    return outcome;
  }

  /** The route's own backend, but only its endpoints that carry all of these labels. */
  static subset(labels: Array<Label>): Outcome {
    const outcome = made(Decision.Route, 0, "");
    outcome.endpoints = labels;
    return outcome;
  }

  /** `status` is 301, 302, 303, 307 or 308. */
  static redirect(status: i32, location: string): Outcome {
    return made(Decision.Redirect, status, location);
  }

  /** `status` is 200 to 599; at most 1 MiB of body. */
  static respond(status: i32, body: string): Outcome {
    const outcome = made(Decision.Respond, status, "");
    outcome.body = body;
    return outcome;
  }

  static respondBytes(status: i32, body: Uint8Array): Outcome {
    const outcome = made(Decision.Respond, status, "");
    outcome.bytes = body;
    return outcome;
  }

  /** Refuses: `status` is 400 to 599, `reason` a token of at most 64 bytes; the host renders the body. */
  static deny(status: i32, reason: string): Outcome {
    return made(Decision.Deny, status, reason);
  }

  /** Asks for at most `max` bytes of the body, then `onRequestBody` decides. A longer one is cut, or answered 413. */
  static wantBody(max: u32, denyOverflow: bool = false): Outcome {
    const outcome = made(Decision.WantBody, 0, "");
    outcome.bodyMax = max;
    outcome.denyOverflow = denyOverflow;
    return outcome;
  }

  /** Sets a request header, in place of all its values. */
  setHeader(name: string, value: string): Outcome {
    this.edits = added(this.edits, new Edit(EditKind.Set, name, value, null));
    return this;
  }

  setHeaderBytes(name: string, value: Uint8Array): Outcome {
    this.edits = added(this.edits, new Edit(EditKind.Set, name, null, value));
    return this;
  }

  appendHeader(name: string, value: string): Outcome {
    this.edits = added(this.edits, new Edit(EditKind.Append, name, value, null));
    return this;
  }

  removeHeader(name: string): Outcome {
    this.edits = added(this.edits, new Edit(EditKind.Remove, name, null, null));
    return this;
  }

  /** Absolute. Does not route again. */
  setPath(path: string): Outcome {
    this.edits = added(this.edits, new Edit(EditKind.SetPath, path, null, null));
    return this;
  }

  /** Without the question mark; null removes it. */
  setQuery(query: string | null): Outcome {
    this.edits = added(this.edits, new Edit(EditKind.SetQuery, "", query, null));
    return this;
  }

  setAuthority(authority: string): Outcome {
    this.edits = added(this.edits, new Edit(EditKind.SetAuthority, authority, null, null));
    return this;
  }

  /** Sets a header of the response, without a call in the response phase. */
  setResponseHeader(name: string, value: string): Outcome {
    this.responseEdits = added(this.responseEdits, new Edit(EditKind.Set, name, value, null));
    return this;
  }

  setResponseHeaderBytes(name: string, value: Uint8Array): Outcome {
    this.responseEdits = added(this.responseEdits, new Edit(EditKind.Set, name, null, value));
    return this;
  }

  appendResponseHeader(name: string, value: string): Outcome {
    this.responseEdits = added(this.responseEdits, new Edit(EditKind.Append, name, value, null));
    return this;
  }

  removeResponseHeader(name: string): Outcome {
    this.responseEdits = added(this.responseEdits, new Edit(EditKind.Remove, name, null, null));
    return this;
  }

  /** Adds a header to the answer of `respond` or `deny`. */
  withHeader(name: string, value: string): Outcome {
    this.headers = added(this.headers, new Field(name, value));
    return this;
  }

  /** Adds Retry-After to the answer of `deny`. */
  retryAfterMs(milliseconds: u32): Outcome {
    this.retryAfter = milliseconds;
    return this;
  }

  /** Asks for `onResponse` in this exchange. */
  followResponse(): Outcome {
    this.follow |= 1;
    return this;
  }

  /** Asks for `onComplete` in this exchange. */
  followComplete(): Outcome {
    this.follow |= 2;
    return this;
  }

  /** Hands at most 4 KiB to the later phases, which another instance may serve. */
  carry(data: Uint8Array): Outcome {
    this.carried = data;
    return this;
  }

  /** A label of the access line: at most 16. */
  label(key: string, value: string): Outcome {
    this.labels = added(this.labels, new Label(key, value));
    return this;
  }
}

function made(decision: Decision, status: i32, text: string): Outcome {
  const outcome = new Outcome();
  outcome.decision = decision;
  outcome.status = status;
  outcome.text = text;
  return outcome;
}

/** What the response phase decides. Begin with `ResponseOutcome.keep` or `replace`, then chain. */
export class ResponseOutcome {
  replaces: bool = false;
  status: i32 = 0;
  body: string | null = null;
  bytes: Uint8Array | null = null;
  headers: Array<Field> | null = null;
  edits: Array<Edit> | null = null;
  carried: Uint8Array | null = null;

  /** The backend's answer as it is, but for the edits chained on. */
  static keep(): ResponseOutcome {
    return new ResponseOutcome();
  }

  /** This answer in place of the backend's. */
  static replace(status: i32, body: string): ResponseOutcome {
    const outcome = new ResponseOutcome();
    outcome.replaces = true;
    outcome.status = status;
    outcome.body = body;
    return outcome;
  }

  /** Adds a header to the answer of `replace`. */
  withHeader(name: string, value: string): ResponseOutcome {
    this.headers = added(this.headers, new Field(name, value));
    return this;
  }

  setHeader(name: string, value: string): ResponseOutcome {
    this.edits = added(this.edits, new Edit(EditKind.Set, name, value, null));
    return this;
  }

  setHeaderBytes(name: string, value: Uint8Array): ResponseOutcome {
    this.edits = added(this.edits, new Edit(EditKind.Set, name, null, value));
    return this;
  }

  appendHeader(name: string, value: string): ResponseOutcome {
    this.edits = added(this.edits, new Edit(EditKind.Append, name, value, null));
    return this;
  }

  removeHeader(name: string): ResponseOutcome {
    this.edits = added(this.edits, new Edit(EditKind.Remove, name, null, null));
    return this;
  }

  /** Hands at most 4 KiB to `onComplete`. */
  carry(data: Uint8Array): ResponseOutcome {
    this.carried = data;
    return this;
  }
}
