//! A component as it is after `init`: with `isolation: request`, each call begins there and not at the start.
//!
//! Wizer rewrites the component so that its memories and globals can be read; after `init`, what they hold becomes the
//! initial state of another component. Not every component can be taken so (shared modules, table changes); those run
//! `init` for each instance.

use std::collections::HashMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use wasmtime::Store;
use wasmtime::component::types::{ComponentItem, Type};
use wasmtime::component::{Component, ComponentExportIndex, ComponentNamedList, Instance, Lift, WasmList};
use wasmtime_wizer::{ComponentInstanceState, Wizer};

use crate::engine::Engine;
use crate::host::{Host, Worker};
use crate::imports::wasi::is_wasi;
use crate::instance;
use crate::load::shape;
use crate::policy::Policy;
use crate::source::Random;

/// Larger ones are interpreters, which take seconds to compile again and seldom allow a snapshot.
const MODULE_BYTES_MAX: usize = 4 << 20;
/// The instance that Wizer adds.
const ACCESS: &str = "wasmtime:wizer/access";
/// Reading a memory grows it by a page, where the reader leaves its answer.
const READER_BYTES: usize = 1 << 20;

/// The component after `init`, compiled; `None` if it cannot be had.
pub(super) fn take(engine: &Engine, policy: &Policy, bytes: &[u8]) -> Option<Component> {
    // What a guest holds of WASI are handles, and those are not in its memory: a snapshot would have lost them.
    let kind = policy.native()?.pre.component().component_type();
    let imports_wasi = kind.imports(engine.wasmtime()).any(|(name, _)| is_wasi(name));
    if bytes.len() > MODULE_BYTES_MAX || imports_wasi {
        return None;
    }
    // Wizer asserts what it relies on. A component that it did not foresee costs the snapshot, not the process.
    let rewritten = catch_unwind(AssertUnwindSafe(|| rewrite(engine, policy, bytes))).ok()??;
    Component::from_binary(engine.wasmtime(), &rewritten).ok()
}

fn rewrite(engine: &Engine, policy: &Policy, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut wizer = Wizer::new();
    wizer.keep_init_func(true);
    let (context, instrumented) = wizer.instrument_component(bytes).ok()?;
    let component = Component::from_binary(engine.wasmtime(), &instrumented).ok()?;
    let mut values = run(engine, policy, &component)?;
    let snapshot = now(wizer.snapshot_component(&context, &mut values))?.ok()?;
    (!values.was_missed).then_some(snapshot)
}

/// Runs `init`, and reads every memory and global.
fn run(engine: &Engine, policy: &Policy, component: &Component) -> Option<Values> {
    let pre = engine.link(component, &policy.spec).ok()?;
    let exports = shape::exports(component, engine.wasmtime()).ok()?;
    let _seat = engine.take_seat()?;
    let mut store = instance::store(policy, &Rc::new(Worker::new(Random::System)));
    store.data_mut().limits.allow_more_memory(READER_BYTES);
    store.set_hostcall_fuel(usize::MAX);
    let pulse = engine.pulse();
    pulse.begin();
    let started = instance::start(policy, &pre, Some(exports.init), &mut store);
    pulse.end();
    // Only Wizer's readers run from here, and they do not loop.
    store.set_epoch_deadline(u64::from(u32::MAX));
    read(component, &started.ok()?, &mut store)
}

fn read(component: &Component, instance: &Instance, store: &mut Store<Host>) -> Option<Values> {
    let access = component.get_export_index(None, ACCESS)?;
    let mut values = Values::default();
    for number in 0.. {
        let find = |kind: &str| {
            let name = format!("{kind}{number}");
            component.get_export(Some(&access), &name).map(|(item, index)| (name, item, index))
        };
        let Some((name, ComponentItem::ComponentFunc(function), index)) = find("memory").or_else(|| find("global"))
        else {
            return Some(values);
        };
        let mut results = function.results();
        let value = match results.next()? {
            Type::S32 => Value::S32(call(instance, store, index)?),
            Type::S64 => Value::S64(call(instance, store, index)?),
            Type::Float32 => Value::F32(f32::to_bits(call(instance, store, index)?)),
            Type::Float64 => Value::F64(f64::to_bits(call(instance, store, index)?)),
            Type::List(_) => {
                let bytes: WasmList<u8> = call(instance, store, index)?;
                Value::Bytes(bytes.as_le_slice(&*store).to_vec())
            }
            _ => return None,
        };
        values.by_name.insert(name, value);
    }
    None
}

fn call<R>(instance: &Instance, store: &mut Store<Host>, index: ComponentExportIndex) -> Option<R>
where
    R: Lift + 'static,
    (R,): ComponentNamedList + Lift,
{
    let function = instance.get_typed_func::<(), (R,)>(&mut *store, index).ok()?;
    function.call(store, ()).ok().map(|(value,)| value)
}

/// The output of a future that has nothing to wait for.
fn now<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

#[derive(Debug)]
enum Value {
    S32(i32),
    S64(i64),
    F32(u32),
    F64(u64),
    Bytes(Vec<u8>),
}

/// Memories and globals, by the name of their reader. All were read before Wizer asks.
#[derive(Debug, Default)]
struct Values {
    by_name: HashMap<String, Value>,
    /// Wizer asked for what is not there: its snapshot is worth nothing.
    was_missed: bool,
}

impl Values {
    fn get<T>(&mut self, name: &str, pick: impl FnOnce(&Value) -> Option<T>, otherwise: T) -> T {
        let found = self.by_name.get(name).and_then(pick);
        self.was_missed |= found.is_none();
        found.unwrap_or(otherwise)
    }
}

impl ComponentInstanceState for Values {
    async fn call_func_ret_list_u8(&mut self, _: &str, name: &str, contents: impl FnOnce(&[u8]) + Send) {
        match self.by_name.get(name) {
            Some(Value::Bytes(bytes)) => contents(bytes),
            _ => self.was_missed = true,
        }
    }

    async fn call_func_ret_s32(&mut self, _: &str, name: &str) -> i32 {
        self.get(name, |value| if let Value::S32(value) = value { Some(*value) } else { None }, 0)
    }

    async fn call_func_ret_s64(&mut self, _: &str, name: &str) -> i64 {
        self.get(name, |value| if let Value::S64(value) = value { Some(*value) } else { None }, 0)
    }

    async fn call_func_ret_f32(&mut self, _: &str, name: &str) -> u32 {
        self.get(name, |value| if let Value::F32(value) = value { Some(*value) } else { None }, 0)
    }

    async fn call_func_ret_f64(&mut self, _: &str, name: &str) -> u64 {
        self.get(name, |value| if let Value::F64(value) = value { Some(*value) } else { None }, 0)
    }
}
