;; What a Go policy gets for WASI preview 1: a clock that counts questions, a fixed sequence of random numbers, and nothing
;; else. It calls nobody, since Go asks while it allocates for the host, when a call out would trap; and it keeps nothing in
;; memory, all of which Go takes for its own. Go imports some of these always, and the others with the packages os and net.
(module
  (import "env" "memory" (memory 0))

  (global $now (mut i64) (i64.const 1000000000))
  (global $seed (mut i64) (i64.const 0x9e3779b97f4a7c15))

  ;; Errors: 0 success, 8 badf, 52 nosys.

  (func (export "clock_time_get") (param $id i32) (param $precision i64) (param $into i32) (result i32)
    (global.set $now (i64.add (global.get $now) (i64.const 1000)))
    (i64.store align=1 (local.get $into) (global.get $now))
    (i32.const 0))

  (func (export "clock_res_get") (param $id i32) (param $into i32) (result i32)
    (i64.store align=1 (local.get $into) (i64.const 1000))
    (i32.const 0))

  ;; SplitMix64, a byte of each number.
  (func (export "random_get") (param $into i32) (param $len i32) (result i32)
    (local $z i64)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $len)))
        (global.set $seed (i64.add (global.get $seed) (i64.const 0x9e3779b97f4a7c15)))
        (local.set $z (global.get $seed))
        (local.set $z (i64.mul (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 30))) (i64.const 0xbf58476d1ce4e5b9)))
        (local.set $z (i64.mul (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 27))) (i64.const 0x94d049bb133111eb)))
        (i64.store8 (local.get $into) (i64.xor (local.get $z) (i64.shr_u (local.get $z) (i64.const 31))))
        (local.set $into (i32.add (local.get $into) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; Go sleeps by this: the time of the first subscription passes at once.
  (func (export "poll_oneoff") (param $in i32) (param $out i32) (param $count i32) (param $events i32) (result i32)
    (global.set $now (i64.add (global.get $now) (i64.load offset=24 align=1 (local.get $in))))
    (i64.store align=1 (local.get $out) (i64.load align=1 (local.get $in)))
    (i64.store offset=8 align=1 (local.get $out) (i64.const 0))
    (i64.store offset=16 align=1 (local.get $out) (i64.const 0))
    (i64.store offset=24 align=1 (local.get $out) (i64.const 0))
    (i32.store align=1 (local.get $events) (i32.const 1))
    (i32.const 0))

  (func (export "proc_exit") (param i32) (unreachable))
  (func (export "sched_yield") (result i32) (i32.const 0))

  ;; No arguments. The one variable is GOGC: the collector begins at 1 MiB and not at 4, since hosts recycle an instance whose
  ;; memory has doubled.
  (func (export "args_sizes_get") (param $count i32) (param $bytes i32) (result i32)
    (i32.store align=1 (local.get $count) (i32.const 0))
    (i32.store align=1 (local.get $bytes) (i32.const 0))
    (i32.const 0))
  (func (export "args_get") (param i32 i32) (result i32) (i32.const 0))
  (func (export "environ_sizes_get") (param $count i32) (param $bytes i32) (result i32)
    (i32.store align=1 (local.get $count) (i32.const 1))
    (i32.store align=1 (local.get $bytes) (i32.const 8))
    (i32.const 0))
  (func (export "environ_get") (param $list i32) (param $texts i32) (result i32)
    (i32.store align=1 (local.get $list) (local.get $texts))
    (i64.store align=1 (local.get $texts) (i64.const 0x0035323d43474f47)) ;; GOGC=25
    (i32.const 0))

  ;; What is written is swallowed: it counts as written, whole.
  (func (export "fd_write") (param $fd i32) (param $from i32) (param $count i32) (param $written i32) (result i32)
    (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $sum (i32.add (local.get $sum) (i32.load offset=4 align=1 (local.get $from))))
        (local.set $from (i32.add (local.get $from) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store align=1 (local.get $written) (local.get $sum))
    (i32.const 0))

  ;; There are no files and no sockets. Standard output looks like a terminal that is closed.
  (func (export "fd_prestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_prestat_dir_name") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_close") (param i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_fdstat_set_flags") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_filestat_get") (param i32 i32) (result i32) (i32.const 8))
  (func (export "fd_filestat_set_size") (param i32 i64) (result i32) (i32.const 8))
  (func (export "fd_read") (param i32 i32 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_pread") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_pwrite") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_readdir") (param i32 i32 i32 i64 i32) (result i32) (i32.const 8))
  (func (export "fd_seek") (param i32 i64 i32 i32) (result i32) (i32.const 8))
  (func (export "fd_sync") (param i32) (result i32) (i32.const 8))
  (func (export "path_create_directory") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_filestat_get") (param i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_filestat_set_times") (param i32 i32 i32 i32 i64 i64 i32) (result i32) (i32.const 52))
  (func (export "path_link") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_open") (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32) (i32.const 52))
  (func (export "path_readlink") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_remove_directory") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_rename") (param i32 i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_symlink") (param i32 i32 i32 i32 i32) (result i32) (i32.const 52))
  (func (export "path_unlink_file") (param i32 i32 i32) (result i32) (i32.const 52))
  (func (export "sock_accept") (param i32 i32 i32) (result i32) (i32.const 8))
  (func (export "sock_shutdown") (param i32 i32) (result i32) (i32.const 8)))
