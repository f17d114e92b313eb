//! How much goes between host and guest: the bytes of linear memory that the host writes and reads for a guest.
//!
//! Core modules are counted where their memory is accessed. Components are counted by the canonical ABI where imports and
//! exports are called: what strings and lists hold, and the fixed part of what does not fit into registers. That is done only
//! for an engine that measures ([`EngineOptions::measures`](crate::EngineOptions)): no call in production pays for it. WASI
//! is left out, and strings count as UTF-8, whatever the guest encodes them in.

use std::cell::Cell;

use wasmtime::component::{
    ComponentNamedList, ComponentType, Lift, LinkerInstance, Lower, TypedFunc, WasmList, WasmStr,
};
use wasmtime::{AsContext, AsContextMut, Store, StoreContext, StoreContextMut};

use crate::host::Host;

/// Bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Written by the host.
    pub to_guest: u64,
    /// Read by the host.
    pub from_guest: u64,
}

impl Copied {
    /// What was copied after `before`, which is of the same instance.
    pub fn since(self, before: Self) -> Self {
        Self {
            to_guest: self.to_guest.saturating_sub(before.to_guest),
            from_guest: self.from_guest.saturating_sub(before.from_guest),
        }
    }
}

/// The count of one instance, from its start. Cells, because imports read guest memory through the store while they count.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    to_guest: Cell<u64>,
    from_guest: Cell<u64>,
}

impl Counter {
    pub fn gave(&self, bytes: usize) {
        self.to_guest.set(self.to_guest.get().wrapping_add(bytes as u64));
    }

    pub fn took(&self, bytes: usize) {
        self.from_guest.set(self.from_guest.get().wrapping_add(bytes as u64));
    }

    pub fn read(&self) -> Copied {
        Copied { to_guest: self.to_guest.get(), from_guest: self.from_guest.get() }
    }
}

/// What registers hold, by the canonical ABI: more values than this go through memory.
const PARAMS_FLAT_MAX: usize = 16;
const RESULTS_FLAT_MAX: usize = 1;

/// A type whose values say how many bytes they have beyond their fixed part.
pub(crate) trait Beyond: ComponentType {
    fn beyond(&self, cx: &StoreContext<'_, Host>) -> usize;
}

fn copied<T: Beyond>(value: &T, flat_max: usize, cx: &StoreContext<'_, Host>) -> usize {
    let fixed = if T::flatten_count() > flat_max { T::SIZE32 } else { 0 };
    fixed + value.beyond(cx)
}

/// An interface that is being linked.
pub(crate) struct Interface<'a> {
    pub linked: LinkerInstance<'a, Host>,
    pub measures: bool,
}

impl Interface<'_> {
    /// As wasmtime's own.
    pub fn func_wrap<P, R>(
        &mut self,
        name: &str,
        function: impl Fn(StoreContextMut<'_, Host>, P) -> wasmtime::Result<R> + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Beyond + 'static,
        R: ComponentNamedList + Lower + Beyond + 'static,
    {
        if !self.measures {
            return self.linked.func_wrap(name, function);
        }
        self.linked.func_wrap(name, move |mut cx: StoreContextMut<'_, Host>, params: P| {
            let took = copied(&params, PARAMS_FLAT_MAX, &cx.as_context());
            let results = function(cx.as_context_mut(), params)?;
            let gave = copied(&results, RESULTS_FLAT_MAX, &cx.as_context());
            cx.data().copied.took(took);
            cx.data().copied.gave(gave);
            Ok(results)
        })
    }
}

/// A function that the guest exports.
pub(crate) struct Export<P, R> {
    pub function: TypedFunc<P, R>,
    pub measures: bool,
}

impl<P, R> Export<P, R>
where
    P: ComponentNamedList + Lower + Beyond + 'static,
    R: ComponentNamedList + Lift + Beyond + 'static,
{
    #[inline]
    pub fn call(&self, store: &mut Store<Host>, params: P) -> wasmtime::Result<R> {
        if self.measures { self.measured(store, params) } else { self.function.call(store, params) }
    }

    #[cold]
    fn measured(&self, store: &mut Store<Host>, params: P) -> wasmtime::Result<R> {
        let gave = copied(&params, PARAMS_FLAT_MAX, &store.as_context());
        store.data().copied.gave(gave);
        let results = self.function.call(&mut *store, params)?;
        let took = copied(&results, RESULTS_FLAT_MAX, &store.as_context());
        store.data().copied.took(took);
        Ok(results)
    }
}

/// Types that are their fixed part and no more.
macro_rules! fixed {
    ($($name:ty),*) => {
        $(impl Beyond for $name {
            fn beyond(&self, _: &StoreContext<'_, Host>) -> usize {
                0
            }
        })*
    };
}
pub(crate) use fixed;

/// Records, of which these fields are more than their fixed part.
macro_rules! parts {
    ($($name:ty { $($part:ident),* })*) => {
        $(impl Beyond for $name {
            fn beyond(&self, cx: &StoreContext<'_, Host>) -> usize {
                [$(self.$part.beyond(cx)),*].into_iter().sum()
            }
        })*
    };
}
pub(crate) use parts;

fixed!((), bool, u8, u16, u32, u64, i64);

impl Beyond for String {
    fn beyond(&self, _: &StoreContext<'_, Host>) -> usize {
        self.len()
    }
}

impl Beyond for WasmStr {
    /// One that is not text ends the call that looks at it.
    fn beyond(&self, cx: &StoreContext<'_, Host>) -> usize {
        self.to_str(cx.as_context()).map_or(0, |text| text.len())
    }
}

impl Beyond for WasmList<u8> {
    fn beyond(&self, _: &StoreContext<'_, Host>) -> usize {
        self.len()
    }
}

impl<T: Beyond> Beyond for Vec<T> {
    fn beyond(&self, cx: &StoreContext<'_, Host>) -> usize {
        self.len() * T::SIZE32 + self.iter().map(|element| element.beyond(cx)).sum::<usize>()
    }
}

impl<T: Beyond> Beyond for Option<T> {
    fn beyond(&self, cx: &StoreContext<'_, Host>) -> usize {
        self.as_ref().map_or(0, |value| value.beyond(cx))
    }
}

impl<T: Beyond, E: Beyond> Beyond for Result<T, E> {
    fn beyond(&self, cx: &StoreContext<'_, Host>) -> usize {
        match self {
            Ok(value) => value.beyond(cx),
            Err(error) => error.beyond(cx),
        }
    }
}

macro_rules! tuples {
    ($(($($name:ident)*))*) => {
        $(impl<$($name: Beyond),*> Beyond for ($($name,)*) {
            #[expect(non_snake_case, reason = "a type's name is its value's too")]
            fn beyond(&self, cx: &StoreContext<'_, Host>) -> usize {
                let ($($name,)*) = self;
                [$($name.beyond(cx)),*].into_iter().sum()
            }
        })*
    };
}

tuples!((A)(A B)(A B C)(A B C D));
