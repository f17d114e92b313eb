// What a failed assertion, a thrown error and an index out of range do: they are told, if the policy logs, and trap.

let tell: ((line: string) => void) | null = null;

export function tellBy(by: (line: string) => void): void {
  tell = by;
}

/** In place of the compiler's own `abort`. */
export function abort(message: string | null, file: string | null, line: u32, column: u32): void {
  const by = tell;
  if (by !== null) {
    tell = null;
    const what = message === null ? "failed" : message, where = file === null ? "" : file;
    by(where + ":" + line.toString() + ":" + column.toString() + ": " + what);
  }
  unreachable();
}
