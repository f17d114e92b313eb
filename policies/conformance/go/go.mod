module conformance

go 1.25

require cardea.dev/policy v0.1.0

replace cardea.dev/policy => ./.cardea/guest-sdk/go
