;;! as it is
;; Built against a later 0.1.x, and uses an interface of it that this host does not have.
(component (import "cardea:policy/sql@0.1.7" (instance (export "query" (func (param "text" string))))))
