// Where an error came from, in lines of the author's source: the build leaves a table of the bundle's lines.

/** Of an error; a recursion without an end has hundreds. */
const PLACES_MAX = 8;

/** ` at policy.ts:12, outcome.js:40`, innermost first; empty where nothing is known. */
export function located(error) {
  const table = globalThis.__cardeaLines;
  if (!table || typeof error?.stack !== "string") return "";
  const places = [];
  for (const [, line] of error.stack.matchAll(/:(\d+)(?::\d+)?\)?$/gm)) {
    const place = placeOf(table, Number(line));
    if (place && places.at(-1) !== place) places.push(place);
  }
  return places.length === 0 ? "" : ` at ${places.slice(0, PLACES_MAX).join(", ")}`;
}

/** The table has, for each line of the bundle, `source number:line` in base 36, or nothing. */
function placeOf({ sources, lines }, line) {
  const [source, original] = (lines[line - 1] ?? "").split(":");
  return original === undefined ? undefined : `${sources[parseInt(source, 36)]}:${parseInt(original, 36)}`;
}
