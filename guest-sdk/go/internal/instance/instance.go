// Package instance keeps the policy of this Wasm instance, and starts it.
package instance

// Start makes the policy from the JSON text of its config. Set by policy.Register.
var Start func(config string) (any, error)

// Policy is what Start made; nil before.
var Policy any

// Phase is a later phase that the component exports: the package that a policy imports for it registers it here.
type Phase struct {
	Method  string
	Package string
	// Fits tells whether a policy has the method.
	Fits func(policy any) bool
}

var phases []Phase

// Export registers a phase; called by init functions.
func Export(phase Phase) { phases = append(phases, phase) }

// Run starts the policy, and holds it against the phases that the component exports.
func Run(config string) error {
	if Start == nil {
		return mistake("no policy is registered: call policy.Register in an init function")
	}
	started, err := Start(config)
	if err != nil {
		return err
	}
	for _, phase := range phases {
		if !phase.Fits(started) {
			return mistake("the policy imports " + phase.Package + " and has no such method: " + phase.Method)
		}
	}
	Policy = started
	return nil
}

type mistake string

func (m mistake) Error() string { return string(m) }
