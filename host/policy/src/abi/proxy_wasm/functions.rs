//! What a module exports: its version, and the callbacks that it hears of.

use wasmtime::{Instance, Module, Store, TypedFunc, WasmParams, WasmResults};

use crate::abi::Side;
use crate::abi::proxy_wasm::guest::{Exports, Guest};

/// By the marker that a module exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V0_1_0,
    V0_2_0,
    V0_2_1,
}

impl Version {
    pub const ALL: [(&'static str, Self); 3] = [
        ("proxy_abi_version_0_1_0", Self::V0_1_0),
        ("proxy_abi_version_0_2_0", Self::V0_2_0),
        ("proxy_abi_version_0_2_1", Self::V0_2_1),
    ];

    pub fn of(module: &Module) -> Option<Self> {
        Self::ALL.into_iter().find(|(marker, _)| module.get_export(marker).is_some()).map(|(_, version)| version)
    }
}

/// Callbacks about exchanges, which a module may leave out.
pub(super) const HEARD: [&str; 12] = [
    "proxy_on_request_headers",
    "proxy_on_request_body",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
    "proxy_on_response_body",
    "proxy_on_response_trailers",
    "proxy_on_http_call_response",
    "proxy_on_grpc_receive",
    "proxy_on_grpc_close",
    "proxy_on_tick",
    "proxy_on_queue_ready",
    "proxy_on_log",
];

/// The name of an export that is not of the type that the ABI says.
#[derive(Debug)]
pub(super) struct Mistyped(pub &'static str);

/// What a callback about a head, body or trailers says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Continue,
    Pause,
    /// Any other number. Some hosts know more ways to stop; all of them stop.
    Stop,
}

impl From<u32> for Action {
    fn from(number: u32) -> Self {
        match number {
            0 => Self::Continue,
            1 => Self::Pause,
            _ => Self::Stop,
        }
    }
}

/// One side's callbacks.
#[derive(Default)]
pub(super) struct Callbacks {
    pub headers: Option<OnHeaders>,
    pub body: Option<TypedFunc<(u32, u32, u32), u32>>,
    pub trailers: Option<TypedFunc<(u32, u32), u32>>,
}

/// 0.1.0 is not told whether a body follows.
pub(super) enum OnHeaders {
    Two(TypedFunc<(u32, u32), u32>),
    Three(TypedFunc<(u32, u32, u32), u32>),
}

pub(super) type OnCallResponse = TypedFunc<(u32, u32, u32, u32, u32), ()>;

#[derive(Default)]
pub(super) struct Functions {
    pub create: Option<TypedFunc<(u32, u32), ()>>,
    pub vm_start: Option<TypedFunc<(u32, u32), u32>>,
    pub configure: Option<TypedFunc<(u32, u32), u32>>,
    pub tick: Option<TypedFunc<u32, ()>>,
    pub queue_ready: Option<TypedFunc<(u32, u32), ()>>,
    pub call_response: Option<OnCallResponse>,
    pub grpc_receive: Option<TypedFunc<(u32, u32, u32), ()>>,
    pub grpc_close: Option<TypedFunc<(u32, u32, u32), ()>>,
    pub done: Option<TypedFunc<u32, u32>>,
    pub log: Option<TypedFunc<u32, ()>>,
    pub delete: Option<TypedFunc<u32, ()>>,
    request: Callbacks,
    response: Callbacks,
}

impl Functions {
    pub fn of(store: &mut Store<Guest>, instance: &Instance) -> Result<Self, Mistyped> {
        let mut find = Find { store, instance };
        Ok(Self {
            create: find.typed("proxy_on_context_create")?,
            vm_start: find.typed("proxy_on_vm_start")?,
            configure: find.typed("proxy_on_configure")?,
            tick: find.typed("proxy_on_tick")?,
            queue_ready: find.typed("proxy_on_queue_ready")?,
            call_response: find.typed("proxy_on_http_call_response")?,
            grpc_receive: find.typed("proxy_on_grpc_receive")?,
            grpc_close: find.typed("proxy_on_grpc_close")?,
            done: find.typed("proxy_on_done")?,
            log: find.typed("proxy_on_log")?,
            delete: find.typed("proxy_on_delete")?,
            request: Callbacks {
                headers: find.headers("proxy_on_request_headers")?,
                body: find.typed("proxy_on_request_body")?,
                trailers: find.typed("proxy_on_request_trailers")?,
            },
            response: Callbacks {
                headers: find.headers("proxy_on_response_headers")?,
                body: find.typed("proxy_on_response_body")?,
                trailers: find.typed("proxy_on_response_trailers")?,
            },
        })
    }

    pub fn side(&self, side: Side) -> &Callbacks {
        match side {
            Side::Request => &self.request,
            Side::Response => &self.response,
        }
    }
}

/// The allocator, under either of its names, and the memory.
pub(super) fn exports(store: &mut Store<Guest>, instance: &Instance) -> Result<Exports, Mistyped> {
    let memory = instance.get_memory(&mut *store, "memory").ok_or(Mistyped("memory"))?;
    let mut find = Find { store, instance };
    let malloc = match find.typed("malloc")? {
        Some(malloc) => malloc,
        None => find.typed("proxy_on_memory_allocate")?.ok_or(Mistyped("proxy_on_memory_allocate"))?,
    };
    Ok(Exports { memory: Some(memory), malloc: Some(malloc) })
}

/// How a module starts: a reactor's initialiser and what follows it, or a command's entry.
pub(super) enum Entry {
    Void(TypedFunc<(), ()>),
    Number(TypedFunc<(), u32>),
    Main(TypedFunc<(u32, u32), u32>),
}

/// In the order in which they run.
pub(super) fn entries(store: &mut Store<Guest>, instance: &Instance) -> Result<Vec<Entry>, Mistyped> {
    let mut find = Find { store, instance };
    let Some(initialize) = find.typed("_initialize")? else {
        return Ok(find.typed("_start")?.map(Entry::Void).into_iter().collect());
    };
    let mut entries = vec![Entry::Void(initialize)];
    if let Ok(Some(main)) = find.typed("main") {
        entries.push(Entry::Main(main));
    } else if let Ok(Some(main)) = find.typed("main") {
        entries.push(Entry::Number(main));
    } else if let Some(main) = find.typed("__main_void")? {
        entries.push(Entry::Number(main));
    }
    Ok(entries)
}

struct Find<'a> {
    store: &'a mut Store<Guest>,
    instance: &'a Instance,
}

impl Find<'_> {
    /// `None` if there is no such export.
    fn typed<P: WasmParams, R: WasmResults>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<TypedFunc<P, R>>, Mistyped> {
        let Some(function) = self.instance.get_func(&mut *self.store, name) else { return Ok(None) };
        function.typed(&*self.store).map(Some).map_err(|_| Mistyped(name))
    }

    fn headers(&mut self, name: &'static str) -> Result<Option<OnHeaders>, Mistyped> {
        match self.typed(name) {
            Ok(three) => Ok(three.map(OnHeaders::Three)),
            Err(_) => Ok(self.typed(name)?.map(OnHeaders::Two)),
        }
    }
}
