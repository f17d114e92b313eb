// Package log writes lines to the ingress's log: at most 16 of 4 KiB a call. Needs the grant log.
//
// A policy that imports it also logs the trace of a panic.
package log

import (
	"cardea.dev/policy/internal/host"
	"cardea.dev/policy/internal/instance"
)

// Level is how much a line matters.
type Level uint8

const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

func init() { instance.Tell = Error }

// Enabled tells whether a line of this level would be kept: ask before a line that is dear to make.
func Enabled(level Level) bool { return host.LogEnabled(uint8(level)) }

// Write logs a line.
func Write(level Level, line string) { host.Log(uint8(level), line) }

func Trace(line string) { Write(LevelTrace, line) }
func Debug(line string) { Write(LevelDebug, line) }
func Info(line string)  { Write(LevelInfo, line) }
func Warn(line string)  { Write(LevelWarn, line) }
func Error(line string) { Write(LevelError, line) }
