package instance

import "runtime"

// Tell takes the text of a panic; set by the package log, so that only a policy that logs imports the log.
var Tell func(text string)

// Lines of a log are cut at 4 KiB.
const traceMax = 4096

// Watch is deferred around each phase: a panic is told, and then ends the instance as it would have.
func Watch() {
	if Tell == nil {
		return
	}
	if reason := recover(); reason != nil {
		trace := make([]byte, traceMax)
		text := "panic: " + describe(reason) + "\n" + string(trace[:runtime.Stack(trace, false)])
		Tell(text[:min(len(text), traceMax)])
		panic(reason)
	}
}

func describe(reason any) string {
	switch reason := reason.(type) {
	case error:
		return reason.Error()
	case string:
		return reason
	case interface{ String() string }:
		return reason.String()
	}
	return "a value of another type"
}
