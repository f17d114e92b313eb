// JSON text to a tree. Strict (RFC 8259), and small: it is part of every policy that has a config.

export const enum Kind { Null, Bool, Number, Text, List, Map }

/** Deeper nesting is refused, since the parser recurses. */
const DEPTH_MAX = 64;

export class Json {
  /** A text, or a number as it was written. */
  text: string = "";
  isTrue: bool = false;
  members: Array<Json> = [];
  keys: Array<string> = [];

  constructor(public kind: Kind) {}
}

/** Null where the text is not JSON. */
export function parse(text: string): Json | null {
  const parser = new Parser(text);
  const value = parser.value(0);
  parser.space();
  return parser.at == text.length ? value : null;
}

class Parser {
  at: i32 = 0;

  constructor(private source: string) {}

  private get next(): i32 {
    return this.at < this.source.length ? this.source.charCodeAt(this.at) : -1;
  }

  space(): void {
    while (this.next == 0x20 || this.next == 0x0a || this.next == 0x0d || this.next == 0x09) this.at++;
  }

  private take(token: string): bool {
    if (this.source.substr(this.at, token.length) != token) return false;
    this.at += token.length;
    return true;
  }

  value(depth: i32): Json | null {
    this.space();
    if (this.take("null")) return new Json(Kind.Null);
    if (this.take("true")) return bool_(true);
    if (this.take("false")) return bool_(false);
    if (this.next == 0x22) return this.textual();
    if (this.next == 0x5b) return depth < DEPTH_MAX ? this.many(new Json(Kind.List), depth + 1) : null;
    if (this.next == 0x7b) return depth < DEPTH_MAX ? this.many(new Json(Kind.Map), depth + 1) : null;
    return this.number();
  }

  /** What a list and a map have in common: members between commas. */
  private many(into: Json, depth: i32): Json | null {
    const end = into.kind == Kind.List ? "]" : "}";
    this.at++;
    this.space();
    if (this.take(end)) return into;
    while (true) {
      if (into.kind == Kind.Map && !this.key(into)) return null;
      const member = this.value(depth);
      if (member === null) return null;
      into.members.push(member);
      this.space();
      if (this.take(end)) return into;
      if (!this.take(",")) return null;
    }
  }

  private key(into: Json): bool {
    this.space();
    const key = this.quoted();
    if (key === null) return false;
    into.keys.push(key);
    this.space();
    return this.take(":");
  }

  private textual(): Json | null {
    const text = this.quoted();
    if (text === null) return null;
    const value = new Json(Kind.Text);
    value.text = text;
    return value;
  }

  private quoted(): string | null {
    if (!this.take('"')) return null;
    const units = new Array<i32>(0);
    while (this.next >= 0x20) {
      const unit = this.next;
      this.at++;
      if (unit == 0x22) return String.fromCharCodes(units);
      const meant = unit == 0x5c ? this.escape() : unit;
      if (meant < 0) return null;
      units.push(meant);
    }
    return null;
  }

  /** The unit that is meant, or -1. */
  private escape(): i32 {
    const letter = this.next;
    this.at++;
    switch (letter) {
      case 0x22: case 0x2f: case 0x5c: return letter;
      case 0x62: return 8;
      case 0x66: return 12;
      case 0x6e: return 10;
      case 0x72: return 13;
      case 0x74: return 9;
      case 0x75: return this.hex();
      default: return -1;
    }
  }

  private hex(): i32 {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const unit = this.next, letter = unit | 0x20;
      this.at++;
      if (unit >= 0x30 && unit <= 0x39) value = value * 16 + unit - 0x30;
      else if (letter >= 0x61 && letter <= 0x66) value = value * 16 + letter - 0x57;
      else return -1;
    }
    return value;
  }

  /** `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?` */
  private number(): Json | null {
    const start = this.at;
    this.take("-");
    const leading = this.next;
    const whole = this.digits();
    if (whole == 0 || (leading == 0x30 && whole > 1)) return null;
    if (this.take(".") && this.digits() == 0) return null;
    if (this.take("e") || this.take("E")) {
      if (!this.take("+")) this.take("-");
      if (this.digits() == 0) return null;
    }
    const value = new Json(Kind.Number);
    value.text = this.source.substring(start, this.at);
    return value;
  }

  private digits(): i32 {
    const start = this.at;
    while (this.next >= 0x30 && this.next <= 0x39) this.at++;
    return this.at - start;
  }
}

function bool_(isTrue: bool): Json {
  const value = new Json(Kind.Bool);
  value.isTrue = isTrue;
  return value;
}
