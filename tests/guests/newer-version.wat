;;! as it is
;; Built against an interface that is not 0.1.
(component (import "cardea:policy/exchange@0.2.0" (instance (export "path" (func (result string))))))
