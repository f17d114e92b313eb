;;! as it is
;; Built against a later 0.1.x, and exports a phase of it that this host would not call.
(component (instance $none) (export "cardea:policy/on-trailers@0.1.7" (instance $none)))
