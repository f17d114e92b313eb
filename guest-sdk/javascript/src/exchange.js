// What a policy may ask about the exchange in hand. Each question is one host call, and is recorded by the host.

import exchange from "#host/exchange";
import { bytesOf, decode } from "./text.js";
import { pathUnder } from "./path.js";

const textOf = (bytes) => (bytes === null || bytes === undefined ? undefined : decode(bytes));
const field = ({ name, value }) => ({ name, value: decode(value), bytes: value });

/** The request in hand. Holds nothing: every property asks the host, so keep an answer that is needed twice. */
export class Request {
  get method() {
    return exchange.method();
  }

  get scheme() {
    return exchange.scheme();
  }

  get authority() {
    return exchange.authority();
  }

  get path() {
    return exchange.path();
  }

  get rawPath() {
    return exchange.rawPath();
  }

  get query() {
    return exchange.query() ?? undefined;
  }

  get client() {
    return exchange.client();
  }

  pathUnder(prefix) {
    return pathUnder(exchange.path(), prefix);
  }

  queryParam(name) {
    return exchange.queryParam(name) ?? undefined;
  }

  header(name) {
    return textOf(exchange.header(name));
  }

  headerBytes(name) {
    return exchange.header(name) ?? undefined;
  }

  headerValues(name) {
    return exchange.headerValues(name).map(decode);
  }

  headerValuesBytes(name) {
    return exchange.headerValues(name);
  }

  headerNames() {
    return exchange.headerNames();
  }

  headers() {
    return exchange.headers().map(field);
  }

  cookie(name) {
    return textOf(exchange.cookie(name));
  }

  cookieBytes(name) {
    return exchange.cookie(name) ?? undefined;
  }

  attribute(name) {
    return exchange.attribute(name) ?? undefined;
  }

  note(key) {
    return exchange.note(key) ?? undefined;
  }

  noteText(key) {
    return textOf(exchange.note(key));
  }

  setNote(key, value) {
    exchange.setNote(key, bytesOf(value));
  }
}

/** The head of the backend's answer, in the response phase. */
export class Response {
  get status() {
    return exchange.responseStatus();
  }

  header(name) {
    return textOf(exchange.responseHeader(name));
  }

  headerBytes(name) {
    return exchange.responseHeader(name) ?? undefined;
  }

  headers() {
    return exchange.responseHeaders().map(field);
  }
}


export const request = new Request();
export const response = new Response();
