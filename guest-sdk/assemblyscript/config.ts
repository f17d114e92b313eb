import { Json, Kind } from "./json";

// What the first mistake was, for the operator; empty where there is none.
let mistake: string = "";

/** Of the SDK. */
export function firstMistake(): string {
  return mistake;
}

/** Of the SDK. */
export function refuse(message: string): void {
  if (mistake == "") mistake = message;
}

/**
 * A map of the config: `spec.config` of the Policy object, or one within it. Asking for a field that is absent or of another
 * type refuses the config, with an error that names it; so does a field that nobody asks for. The first mistake is told, when
 * `init` returns.
 */
export class Config {
  private asked: Array<string> = [];
  private parts: Array<Config> = [];

  constructor(private json: Json, private path: string) {
    if (json.kind != Kind.Map) refuse(path + ": expected a map, found " + kindName(json.kind));
  }

  /** Refuses the config for the value of a field. */
  refuse(field: string, why: string): void {
    refuse(this.path + "." + field + ": " + why);
  }

  has(field: string): bool {
    return this.find(field) !== null;
  }

  text(field: string): string {
    const found = this.need(field, Kind.Text);
    return found === null ? "" : found.text;
  }

  textOr(field: string, otherwise: string): string {
    return this.has(field) ? this.text(field) : otherwise;
  }

  boolean(field: string): bool {
    const found = this.need(field, Kind.Bool);
    return found !== null && found.isTrue;
  }

  booleanOr(field: string, otherwise: bool): bool {
    return this.has(field) ? this.boolean(field) : otherwise;
  }

  number(field: string): f64 {
    const found = this.need(field, Kind.Number);
    return found === null ? 0 : parseFloat(found.text);
  }

  numberOr(field: string, otherwise: f64): f64 {
    return this.has(field) ? this.number(field) : otherwise;
  }

  /** A whole number of at most 15 digits. */
  integer(field: string): i64 {
    const found = this.need(field, Kind.Number);
    if (found === null) return 0;
    if (!isWhole(found.text)) {
      this.refuse(field, found.text + " is no whole number");
      return 0;
    }
    return I64.parseInt(found.text);
  }

  integerOr(field: string, otherwise: i64): i64 {
    return this.has(field) ? this.integer(field) : otherwise;
  }

  /** A length of time such as 250ms, 30s, 5m, 1h or 7d, in milliseconds. */
  duration(field: string): u64 {
    const found = this.need(field, Kind.Text);
    if (found === null) return 0;
    const length = milliseconds(found.text);
    if (length < 0) this.refuse(field, '"' + found.text + '" is no length of time such as 250ms, 30s, 5m, 1h or 7d');
    return length;
  }

  durationOr(field: string, otherwise: u64): u64 {
    return this.has(field) ? this.duration(field) : otherwise;
  }

  /** A map within this one. An absent one has no fields. */
  map(field: string): Config {
    const found = this.find(field);
    const json = found === null ? new Json(Kind.Map) : found;
    return this.part(json, this.path + "." + field);
  }

  /** The maps of a list; an absent list is empty. */
  maps(field: string): Array<Config> {
    const elements = this.list(field);
    const maps = new Array<Config>(0);
    for (let i = 0; i < elements.length; i++) {
      maps.push(this.part(elements[i], this.path + "." + field + "[" + i.toString() + "]"));
    }
    return maps;
  }

  /** The texts of a list; an absent list is empty. */
  texts(field: string): Array<string> {
    const elements = this.list(field);
    const texts = new Array<string>(0);
    for (let i = 0; i < elements.length; i++) {
      if (elements[i].kind != Kind.Text) this.refuse(field + "[" + i.toString() + "]", "expected a text");
      texts.push(elements[i].text);
    }
    return texts;
  }

  /** Of the SDK: refuses what nobody asked for. */
  finish(): void {
    for (let i = 0; i < this.json.keys.length; i++) {
      const key = this.json.keys[i];
      if (!this.asked.includes(key)) this.refuse(key, "no such field; " + this.known());
    }
    for (let i = 0; i < this.parts.length; i++) this.parts[i].finish();
  }

  private known(): string {
    return this.asked.length ? "there are " + this.asked.join(", ") : "this policy takes none";
  }

  private list(field: string): Array<Json> {
    if (!this.has(field)) return [];
    const found = this.need(field, Kind.List);
    return found === null ? [] : found.members;
  }

  private part(json: Json, path: string): Config {
    const part = new Config(json, path);
    this.parts.push(part);
    return part;
  }

  private need(field: string, kind: Kind): Json | null {
    const found = this.find(field);
    if (found === null) {
      this.refuse(field, "is missing");
    } else if (found.kind != kind) {
      this.refuse(field, "expected " + kindName(kind) + ", found " + kindName(found.kind));
    } else {
      return found;
    }
    return null;
  }

  /** The last one counts; null is as good as absent. */
  private find(field: string): Json | null {
    if (!this.asked.includes(field)) this.asked.push(field);
    const at = this.json.keys.lastIndexOf(field);
    return at < 0 || this.json.members[at].kind == Kind.Null ? null : this.json.members[at];
  }
}

function kindName(kind: Kind): string {
  switch (kind) {
    case Kind.Null: return "null";
    case Kind.Bool: return "a boolean";
    case Kind.Number: return "a number";
    case Kind.Text: return "a text";
    case Kind.List: return "a list";
    default: return "a map";
  }
}

const DIGITS_MAX = 15;

function isWhole(text: string): bool {
  const start = text.startsWith("-") ? 1 : 0;
  return digits(text, start) == text.length && text.length - start <= DIGITS_MAX;
}

/** Where the digits from a place on end. */
function digits(text: string, from: i32): i32 {
  let at = from;
  while (at < text.length && text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at++;
  return at;
}

/** -1 where it is none. */
function milliseconds(text: string): i64 {
  const end = digits(text, 0);
  if (end == 0 || end > DIGITS_MAX - 5) return -1;
  const number = I64.parseInt(text.substring(0, end)), unit = text.substring(end);
  if (unit == "ms") return number;
  if (unit == "s") return number * 1000;
  if (unit == "m") return number * 60000;
  if (unit == "h") return number * 3600000;
  return unit == "d" ? number * 86400000 : -1;
}
