;;! world pure
;; Takes memory, a MiB at a time, touches it, and traps when there is no more: it would take all that there is.
(module
  ;;! prelude
  (func (export "cardea:policy/on-request@0.1.0#handle") (result i32)
    (local $at i32)
    (loop $more
      (local.set $at (memory.grow (i32.const 16)))
      (if (i32.eq (local.get $at) (i32.const -1)) (then (unreachable)))
      (i32.store8 (i32.mul (local.get $at) (i32.const 65536)) (i32.const 1))
      (br $more))
    (unreachable))
)
