// Log lines of a policy: at most 16 of 4 KiB a call. Needs the grant `log`.

import host from "#host/log";

const shown = (part) => (typeof part === "string" ? part : part instanceof Error ? `${part.name}: ${part.message}` : show(part));

function show(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** Whether a line of this level would be kept. */
export const enabled = (level) => host.enabled(level);

/** Logs, if the level is kept. Parts that are no text are shown as JSON, with a space between. */
export function write(level, ...parts) {
  if (host.enabled(level)) host.log(level, parts.map(shown).join(" ").toWellFormed());
}

export const trace = (...parts) => write("trace", ...parts);
export const debug = (...parts) => write("debug", ...parts);
export const info = (...parts) => write("info", ...parts);
export const warn = (...parts) => write("warn", ...parts);
export const error = (...parts) => write("error", ...parts);
