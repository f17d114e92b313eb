//! The answer of a function of which only the type is known: nothing, as an error where the type has one.

use wasmtime::StoreContextMut;
use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::component::{Resource, ResourceAny, Val};

use super::{Quota, Void};

/// Error cases that say best that there is nothing, in order; `stream-error`, then the `error-code`s of files and sockets.
const NOTHING: [&str; 5] = ["closed", "access-denied", "access", "not-supported", "unsupported"];
/// Types in types. WASI's deepest has four.
const DEPTH_MAX: u32 = 16;

/// Ends a call that asked for something that has no void.
#[derive(Debug, thiserror::Error)]
#[error("WASI is void here: there is no {0}")]
struct NoSuch(&'static str);

/// The body of a host function.
pub(crate) fn answer<T: Quota>(
    mut cx: StoreContextMut<'_, T>,
    function: ComponentFunc,
    params: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    cx.data().enter()?;
    for (ty, result) in function.results().zip(results) {
        *result = nothing(&mut cx, &ty, 0)?;
    }
    release(&mut cx, params)
}

/// `wasi:io/poll.poll`: every index of the list.
pub(crate) fn all_ready<T: Quota>(
    mut cx: StoreContextMut<'_, T>,
    _: ComponentFunc,
    params: &[Val],
    results: &mut [Val],
) -> wasmtime::Result<()> {
    cx.data().enter()?;
    if let ([Val::List(asked)], [result]) = (params, results) {
        *result = Val::List((0u32..).take(asked.len()).map(Val::U32).collect());
    }
    release(&mut cx, params)
}

/// Handles that a function was given end with it.
fn release<T: Quota>(cx: &mut StoreContextMut<'_, T>, values: &[Val]) -> wasmtime::Result<()> {
    for value in values {
        match value {
            Val::Resource(handle) => handle.resource_drop(&mut *cx)?,
            Val::List(values) => release(cx, values)?,
            Val::Option(Some(value)) => release(cx, std::slice::from_ref(&**value))?,
            _ => {}
        }
    }
    Ok(())
}

fn nothing<T: Quota>(cx: &mut StoreContextMut<'_, T>, ty: &Type, depth: u32) -> wasmtime::Result<Val> {
    if depth > DEPTH_MAX {
        return Err(NoSuch("value of so deep a type").into());
    }
    let depth = depth + 1;
    Ok(match ty {
        Type::Record(record) => {
            let fields = record.fields().map(|field| Ok((field.name.to_owned(), nothing(cx, &field.ty, depth)?)));
            Val::Record(fields.collect::<wasmtime::Result<_>>()?)
        }
        Type::Tuple(tuple) => {
            Val::Tuple(tuple.types().map(|ty| nothing(cx, &ty, depth)).collect::<wasmtime::Result<_>>()?)
        }
        Type::Variant(variant) => {
            let cases: Vec<_> = variant.cases().map(|case| (case.name.to_owned(), case.ty)).collect();
            let (name, ty) = least(cases, |(name, _)| name)?;
            Val::Variant(name, boxed(cx, ty.as_ref(), depth)?)
        }
        Type::Enum(cases) => Val::Enum(least(cases.names().map(str::to_owned).collect(), |name| name)?),
        Type::Result(result) => Val::Result(Err(boxed(cx, result.err().as_ref(), depth)?)),
        Type::Own(_) => Val::Resource(handle(cx)?),
        other => plain(other)?,
    })
}

/// Of types without parts that matter.
fn plain(ty: &Type) -> Result<Val, NoSuch> {
    Ok(match ty {
        Type::Bool => Val::Bool(false),
        Type::S8 => Val::S8(0),
        Type::U8 => Val::U8(0),
        Type::S16 => Val::S16(0),
        Type::U16 => Val::U16(0),
        Type::S32 => Val::S32(0),
        Type::U32 => Val::U32(0),
        Type::S64 => Val::S64(0),
        Type::U64 => Val::U64(0),
        Type::Float32 => Val::Float32(0.0),
        Type::Float64 => Val::Float64(0.0),
        Type::Char => Val::Char('\0'),
        Type::String => Val::String(String::new()),
        Type::List(_) => Val::List(Vec::new()),
        Type::Flags(_) => Val::Flags(Vec::new()),
        Type::Option(_) => Val::Option(None),
        _ => return Err(NoSuch("value of its type")),
    })
}

fn boxed<T: Quota>(
    cx: &mut StoreContextMut<'_, T>,
    ty: Option<&Type>,
    depth: u32,
) -> wasmtime::Result<Option<Box<Val>>> {
    ty.map(|ty| nothing(cx, ty, depth).map(Box::new)).transpose()
}

/// The case that says best that there is nothing, else the first.
fn least<T>(cases: Vec<T>, name: impl Fn(&T) -> &String) -> Result<T, NoSuch> {
    let rank = |case: &T| NOTHING.iter().position(|known| known == name(case)).unwrap_or(NOTHING.len());
    cases.into_iter().min_by_key(rank).ok_or(NoSuch("case of its type"))
}

fn handle<T: Quota>(cx: &mut StoreContextMut<'_, T>) -> wasmtime::Result<ResourceAny> {
    Resource::<Void>::new_own(0).try_into_resource_any(&mut *cx)
}
