// Lines to the ingress's log: at most 16 of 4 KiB a call. Needs the grant `log`. A policy that imports this file also logs
// the message of a failure.

import { mark, ofText, release, textLength } from "./abi";
import { logEnabled, logLog } from "./host";
import { tellBy } from "./failure";

export enum Level { Trace, Debug, Info, Warn, Error }

/** Whether a line of this level would be kept: ask before a line that is dear to make. */
export function enabled(level: Level): bool {
  return logEnabled(level);
}

export function write(level: Level, line: string): void {
  const before = mark();
  logLog(level, ofText(line), textLength);
  release(before);
}

export function trace(line: string): void {
  write(Level.Trace, line);
}

export function debug(line: string): void {
  write(Level.Debug, line);
}

export function info(line: string): void {
  write(Level.Info, line);
}

export function warn(line: string): void {
  write(Level.Warn, line);
}

export function error(line: string): void {
  write(Level.Error, line);
}

tellBy(error);
