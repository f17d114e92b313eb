//! Descriptors: 0 is at its end, 1 and 2 are the log, and there is no other file, folder or socket.

use wasmtime::{Caller, FuncType, Linker, Val, ValType};

use super::memory::{bytes_mut, read_u32, write_u32};
use super::{Surroundings, errno};

/// Functions with one answer: name, parameters (`i` is 32 bits, `I` is 64), and the answer.
const FIXED: [(&str, &str, i32); 34] = [
    ("args_get", "ii", errno::SUCCESS),
    ("environ_get", "ii", errno::SUCCESS),
    ("fd_advise", "iIIi", errno::BADF),
    ("fd_allocate", "iII", errno::BADF),
    ("fd_datasync", "i", errno::BADF),
    ("fd_fdstat_set_rights", "iII", errno::BADF),
    ("fd_filestat_set_size", "iI", errno::BADF),
    ("fd_filestat_set_times", "iIIi", errno::BADF),
    ("fd_pread", "iiiIi", errno::BADF),
    ("fd_prestat_get", "ii", errno::BADF),
    ("fd_prestat_dir_name", "iii", errno::BADF),
    ("fd_pwrite", "iiiIi", errno::BADF),
    ("fd_readdir", "iiiIi", errno::BADF),
    ("fd_renumber", "ii", errno::BADF),
    ("fd_seek", "iIii", errno::SPIPE),
    ("fd_sync", "i", errno::BADF),
    ("fd_tell", "ii", errno::SPIPE),
    ("path_create_directory", "iii", errno::BADF),
    ("path_filestat_get", "iiiii", errno::BADF),
    ("path_filestat_set_times", "iiiiIIi", errno::BADF),
    ("path_link", "iiiiiii", errno::BADF),
    ("path_open", "iiiiiIIii", errno::BADF),
    ("path_readlink", "iiiiii", errno::BADF),
    ("path_remove_directory", "iii", errno::BADF),
    ("path_rename", "iiiiii", errno::BADF),
    ("path_symlink", "iiiii", errno::BADF),
    ("path_unlink_file", "iii", errno::BADF),
    ("proc_raise", "i", errno::NOSYS),
    ("sched_yield", "", errno::SUCCESS),
    ("sock_accept", "iii", errno::BADF),
    ("sock_recv", "iiiiii", errno::BADF),
    ("sock_send", "iiiii", errno::BADF),
    ("sock_shutdown", "ii", errno::BADF),
    ("fd_fdstat_set_flags", "ii", errno::SUCCESS),
];

/// Of one `fd_write`: more is not looked at, and the guest is told how much was.
const VECTORS_MAX: u32 = 16;
const WRITE_BYTES_MAX: u32 = 4 << 10;

const CHARACTER_DEVICE: u8 = 2;
const RIGHT_TO_READ: u8 = 1 << 1;
const RIGHT_TO_WRITE: u8 = 1 << 6;

pub(super) fn link_files<T: Surroundings + 'static>(linker: &mut Linker<T>, module: &str) -> wasmtime::Result<()> {
    for (name, parameters, answer) in FIXED {
        let parameters = parameters.chars().map(|kind| if kind == 'I' { ValType::I64 } else { ValType::I32 });
        let kind = FuncType::new(linker.engine(), parameters, [ValType::I32]);
        linker.func_new(module, name, kind, move |caller, _, results| {
            caller.data().enter()?;
            results.iter_mut().for_each(|result| *result = Val::I32(answer));
            Ok(())
        })?;
    }
    linker.func_wrap(module, "args_sizes_get", no_strings::<T>)?;
    linker.func_wrap(module, "environ_sizes_get", no_strings::<T>)?;
    linker.func_wrap(module, "fd_close", fd_close::<T>)?;
    linker.func_wrap(module, "fd_fdstat_get", fd_fdstat_get::<T>)?;
    linker.func_wrap(module, "fd_filestat_get", fd_filestat_get::<T>)?;
    linker.func_wrap(module, "fd_read", fd_read::<T>)?;
    linker.func_wrap(module, "fd_write", fd_write::<T>)?;
    Ok(())
}

fn no_strings<T: Surroundings>(mut caller: Caller<'_, T>, count: u32, bytes: u32) -> wasmtime::Result<i32> {
    caller.data().enter()?;
    write_u32(&mut caller, count, 0)?;
    write_u32(&mut caller, bytes, 0)
}

fn fd_close<T: Surroundings>(caller: Caller<'_, T>, descriptor: u32) -> wasmtime::Result<i32> {
    caller.data().enter()?;
    Ok(if descriptor <= 2 { errno::SUCCESS } else { errno::BADF })
}

fn fd_fdstat_get<T: Surroundings>(mut caller: Caller<'_, T>, descriptor: u32, to: u32) -> wasmtime::Result<i32> {
    caller.data().enter()?;
    let right = match descriptor {
        0 => RIGHT_TO_READ,
        1 | 2 => RIGHT_TO_WRITE,
        _ => return Ok(errno::BADF),
    };
    let mut status = [0; 24];
    (status[0], status[8]) = (CHARACTER_DEVICE, right);
    bytes_mut(&mut caller, to, 24)?.0.copy_from_slice(&status);
    Ok(errno::SUCCESS)
}

fn fd_filestat_get<T: Surroundings>(mut caller: Caller<'_, T>, descriptor: u32, to: u32) -> wasmtime::Result<i32> {
    caller.data().enter()?;
    if descriptor > 2 {
        return Ok(errno::BADF);
    }
    let mut status = [0; 64];
    status[16] = CHARACTER_DEVICE;
    bytes_mut(&mut caller, to, 64)?.0.copy_from_slice(&status);
    Ok(errno::SUCCESS)
}

/// Standard input is at its end.
fn fd_read<T: Surroundings>(
    mut caller: Caller<'_, T>,
    descriptor: u32,
    _vectors: u32,
    _count: u32,
    read: u32,
) -> wasmtime::Result<i32> {
    caller.data().enter()?;
    match descriptor {
        0 => write_u32(&mut caller, read, 0),
        _ => Ok(errno::BADF),
    }
}

fn fd_write<T: Surroundings>(
    mut caller: Caller<'_, T>,
    descriptor: u32,
    vectors: u32,
    count: u32,
    written: u32,
) -> wasmtime::Result<i32> {
    caller.data().enter()?;
    if !matches!(descriptor, 1 | 2) {
        return Ok(errno::BADF);
    }
    let mut sum = 0;
    for index in 0..count.min(VECTORS_MAX) {
        let vector = vectors.saturating_add(index * 8);
        let from = read_u32(&mut caller, vector)?;
        let length = read_u32(&mut caller, vector.saturating_add(4))?.min(WRITE_BYTES_MAX - sum);
        let (bytes, host) = bytes_mut(&mut caller, from, length)?;
        host.print(descriptor, bytes);
        sum += length;
    }
    write_u32(&mut caller, written, sum)
}
