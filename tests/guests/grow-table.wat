;;! world pure
;; Takes table elements until there are no more.
(module
  ;;! prelude
  (table $table 1 funcref)
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (loop $more
      (if (i32.eq (table.grow $table (ref.null func) (i32.const 4096)) (i32.const -1)) (then (unreachable)))
      (br $more))
    (unreachable))
)
