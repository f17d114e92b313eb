;;! as it is
;; Built against a later 0.1.x, and uses a function of it that this host does not have.
(component
  (import "cardea:policy/exchange@0.1.7" (instance $exchange
    (export "path" (func (result string)))
    (export "trailer" (func (param "name" string) (result (option (list u8)))))))
)
