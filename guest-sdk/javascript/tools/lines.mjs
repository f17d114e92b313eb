// Which line of which source a line of the bundle came from, from its source map.

import { relative, resolve } from "node:path";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** The table that `src/located.js` reads. Lines of the SDK itself are left out: authors look for their own. */
export function lineTable({ sources, mappings }, from, project, sdk) {
  const paths = sources.map((source) => resolve(from, source));
  const isOwn = paths.map((path) => !path.startsWith(`${sdk}/`) && !path.endsWith("/entry.js"));
  const lines = firstOfEach(mappings).map((found) => (found && isOwn[found.source] ? `${found.source.toString(36)}:${(found.line + 1).toString(36)}` : ""));
  return { sources: paths.map((path, at) => (isOwn[at] ? relative(project, path) : "")), lines };
}

/** For each line of the bundle the source and line of its first mapping. */
function firstOfEach(mappings) {
  let [source, line] = [0, 0];
  return mappings.split(";").map((segments) => {
    let first;
    for (const segment of segments.split(",").filter(Boolean)) {
      const [, sourceStep = 0, lineStep = 0] = numbers(segment);
      source += sourceStep;
      line += lineStep;
      first ??= { source, line };
    }
    return first;
  });
}

/** The numbers of a segment, in the variable-length code of source maps (ECMA-426). */
function numbers(segment) {
  const found = [];
  let [value, shift] = [0, 0];
  for (const digit of segment) {
    const bits = DIGITS.indexOf(digit);
    value += (bits & 31) << shift;
    shift += 5;
    if (bits < 32) {
      found.push(value & 1 ? -(value >> 1) : value >> 1);
      [value, shift] = [0, 0];
    }
  }
  return found;
}
