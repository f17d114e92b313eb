// Outcomes in the layout that the host reads, in the arena.

import { putBytes, putText, take } from "./abi";
import { Decision, Edit, EditKind, Field, Label, Outcome, ResponseOutcome, Weighted } from "./outcome";

const REQUEST_OUTCOME: usize = 68, RESPONSE_OUTCOME: usize = 40;
const EDIT = 20, FIELD = 16, PAIR = 16, WEIGHTED = 12;

export function lowerOutcome(outcome: Outcome): usize {
  const at = cleared(REQUEST_OUTCOME);
  store<u8>(at, outcome.decision);
  decision(at + 4, outcome);
  edits(at + 32, outcome.edits);
  edits(at + 40, outcome.responseEdits);
  store<u8>(at, outcome.follow, 48);
  value(at + 52, null, outcome.carried);
  pairs(at + 60, outcome.labels);
  return at;
}

export function lowerResponseOutcome(outcome: ResponseOutcome): usize {
  const at = cleared(RESPONSE_OUTCOME);
  store<u8>(at, outcome.replaces);
  if (outcome.replaces) reply(at + 4, outcome.status, outcome.headers, outcome.body, outcome.bytes);
  edits(at + 24, outcome.edits);
  value(at + 32, null, outcome.carried);
  return at;
}

function cleared(size: usize): usize {
  const at = take(size, 8);
  memory.fill(at, 0, size);
  return at;
}

function decision(at: usize, outcome: Outcome): void {
  switch (outcome.decision) {
    case Decision.Route:
      target(at, outcome);
      break;
    case Decision.Redirect:
      store<u16>(at, <u16>outcome.status);
      putText(at + 4, outcome.text);
      break;
    case Decision.Respond:
      reply(at, outcome.status, outcome.headers, outcome.body, outcome.bytes);
      break;
    case Decision.Deny:
      store<u16>(at, <u16>outcome.status);
      putText(at + 4, outcome.text);
      fields(at + 12, outcome.headers);
      store<u8>(at, outcome.retryAfter >= 0, 20);
      store<u32>(at, <u32>outcome.retryAfter, 24);
      break;
    case Decision.WantBody:
      store<u32>(at, outcome.bodyMax);
      store<u8>(at, outcome.denyOverflow, 4);
      break;
    default:
      break;
  }
}

function target(at: usize, outcome: Outcome): void {
  const backends = outcome.backends, endpoints = outcome.endpoints;
  if (backends !== null) {
    store<u8>(at, 1);
    weighted(at + 4, backends);
  } else if (endpoints !== null) {
    store<u8>(at, 2);
    pairs(at + 4, endpoints);
  } else {
    putText(at + 4, outcome.text);
  }
}

function weighted(at: usize, backends: Array<Weighted>): void {
  const list = listOf(at, backends.length, WEIGHTED);
  for (let i = 0; i < backends.length; i++) {
    putText(list + i * WEIGHTED, backends[i].backend);
    store<u32>(list + i * WEIGHTED, backends[i].weight, 8);
  }
}

function reply(at: usize, status: i32, headers: Array<Field> | null, body: string | null, bytes: Uint8Array | null): void {
  store<u16>(at, <u16>status);
  fields(at + 4, headers);
  value(at + 12, body, bytes);
}

function fields(at: usize, headers: Array<Field> | null): void {
  if (headers === null) return;
  const list = listOf(at, headers.length, FIELD);
  for (let i = 0; i < headers.length; i++) {
    putText(list + i * FIELD, headers[i].name);
    putText(list + i * FIELD + 8, headers[i].text);
  }
}

function pairs(at: usize, labels: Array<Label> | null): void {
  if (labels === null) return;
  const list = listOf(at, labels.length, PAIR);
  for (let i = 0; i < labels.length; i++) {
    putText(list + i * PAIR, labels[i].key);
    putText(list + i * PAIR + 8, labels[i].value);
  }
}

function edits(at: usize, all: Array<Edit> | null): void {
  if (all === null) return;
  const list = listOf(at, all.length, EDIT);
  for (let i = 0; i < all.length; i++) edit(list + i * EDIT, all[i]);
}

function edit(at: usize, edit: Edit): void {
  store<u8>(at, edit.kind);
  if (edit.kind == EditKind.SetQuery) {
    store<u8>(at, edit.text !== null, 4);
    value(at + 8, edit.text, null);
    return;
  }
  putText(at + 4, edit.name);
  value(at + 12, edit.text, edit.bytes);
}

/** Text or bytes; nothing where there is neither. */
function value(at: usize, text: string | null, bytes: Uint8Array | null): void {
  if (text !== null) putText(at, text);
  else if (bytes !== null) putBytes(at, bytes);
}

/** Writes the two words of a list, and returns where its elements go. */
function listOf(at: usize, count: i32, size: i32): usize {
  const list = cleared(count * size);
  store<usize>(at, list);
  store<i32>(at, count, 4);
  return list;
}
