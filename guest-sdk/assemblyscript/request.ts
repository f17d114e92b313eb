import {
  exchangeAttribute, exchangeAuthority, exchangeClient, exchangeCookie, exchangeHeader, exchangeHeaderNames, exchangeHeaders,
  exchangeHeaderValues, exchangeMethod, exchangeNote, exchangePath, exchangeQuery, exchangeQueryParam, exchangeRawPath,
  exchangeResponseHeader, exchangeResponseHeaders, exchangeResponseStatus, exchangeScheme, exchangeSetNote,
} from "./host";
import { answer, bytesAt, mark, ofBytes, ofText, release, textAt, textLength } from "./abi";
import { decode } from "./bytes";

/** A header with its name in lower case. The value may be any bytes; `text` reads it as UTF-8. */
export class Header {
  constructor(public name: string, public value: Uint8Array) {}

  get text(): string {
    return decode(this.value);
  }
}

/** The request in hand. It holds nothing: every method asks the host, so keep an answer that is needed twice. */
export class Request {
  /** `GET`, `POST`, ...; case matters. */
  get method(): string {
    const before = mark();
    exchangeMethod(answer);
    return text(before);
  }

  /** `http` or `https`, as the client spoke to the ingress. */
  get scheme(): string {
    const before = mark();
    exchangeScheme(answer);
    return text(before);
  }

  /** Host, and port if the client gave one; lower case. */
  get authority(): string {
    const before = mark();
    exchangeAuthority(answer);
    return text(before);
  }

  /** Normalised, without the query: the bytes that the router matched and the backend gets. */
  get path(): string {
    const before = mark();
    exchangePath(answer);
    return text(before);
  }

  /** As received, before normalising. */
  get rawPath(): string {
    const before = mark();
    exchangeRawPath(answer);
    return text(before);
  }

  /** The client's address after trusted proxies. */
  get client(): string {
    const before = mark();
    exchangeClient(answer);
    return text(before);
  }

  /** Without the question mark; null where there is none. */
  get query(): string | null {
    const before = mark();
    exchangeQuery(answer);
    return optionalText(before);
  }

  /** The first value of a query parameter, percent-decoded. */
  queryParam(name: string): string | null {
    const before = mark();
    exchangeQueryParam(ofText(name), textLength, answer);
    return optionalText(before);
  }

  /** The first value of a header, as text. Absent (null) is not empty. */
  header(name: string): string | null {
    const before = mark();
    exchangeHeader(ofText(name), textLength, answer);
    return optionalText(before);
  }

  /** The same, byte by byte. */
  headerBytes(name: string): Uint8Array | null {
    const before = mark();
    exchangeHeader(ofText(name), textLength, answer);
    return optionalBytes(before);
  }

  /** Every value of a header, in order. */
  headerValues(name: string): Array<Uint8Array> {
    const before = mark();
    exchangeHeaderValues(ofText(name), textLength, answer);
    const list = load<usize>(answer), count = load<i32>(answer, 4);
    const values = new Array<Uint8Array>(0);
    for (let i = 0; i < count; i++) values.push(bytesAt(list + i * 8));
    release(before);
    return values;
  }

  /** Lower case, each once. */
  get headerNames(): Array<string> {
    const before = mark();
    exchangeHeaderNames(answer);
    const list = load<usize>(answer), count = load<i32>(answer, 4);
    const names = new Array<string>(0);
    for (let i = 0; i < count; i++) names.push(textAt(list + i * 8));
    release(before);
    return names;
  }

  /** All headers. Reads everything, so the decision depends on everything: prefer `header`. */
  get headers(): Array<Header> {
    const before = mark();
    exchangeHeaders(answer);
    return headers(before);
  }

  /** The first value of a cookie. */
  cookie(name: string): string | null {
    const before = mark();
    exchangeCookie(ofText(name), textLength, answer);
    return optionalText(before);
  }

  /** `route.name`, `route.namespace`, `tls.sni`, `tls.version`, `http.version`, `source.address`, ...: an open set. */
  attribute(name: string): string | null {
    const before = mark();
    exchangeAttribute(ofText(name), textLength, answer);
    return optionalText(before);
  }

  /** What an earlier policy or phase of this exchange left. */
  note(key: string): Uint8Array | null {
    const before = mark();
    exchangeNote(ofText(key), textLength, answer);
    return optionalBytes(before);
  }

  /** Leaves a note to later policies and phases of this exchange: at most 16 of 4 KiB, more are dropped. */
  setNote(key: string, value: Uint8Array): void {
    const before = mark();
    exchangeSetNote(ofText(key), textLength, ofBytes(value), value.length);
    release(before);
  }
}

/** The head of the backend's answer, in the response phase. */
export class Response {
  get status(): i32 {
    return exchangeResponseStatus();
  }

  /** The first value of a header, as text. */
  header(name: string): string | null {
    const before = mark();
    exchangeResponseHeader(ofText(name), textLength, answer);
    return optionalText(before);
  }

  get headers(): Array<Header> {
    const before = mark();
    exchangeResponseHeaders(answer);
    return headers(before);
  }
}

function text(before: usize): string {
  const read = textAt(answer);
  release(before);
  return read;
}

function optionalText(before: usize): string | null {
  const read: string | null = load<u8>(answer) ? textAt(answer + 4) : null;
  release(before);
  return read;
}

function optionalBytes(before: usize): Uint8Array | null {
  const read: Uint8Array | null = load<u8>(answer) ? bytesAt(answer + 4) : null;
  release(before);
  return read;
}

function headers(before: usize): Array<Header> {
  const list = load<usize>(answer), count = load<i32>(answer, 4);
  const found = new Array<Header>(0);
  for (let i = 0; i < count; i++) {
    const at = list + i * 16;
    found.push(new Header(textAt(at), bytesAt(at + 8)));
  }
  release(before);
  return found;
}
