//! What a guest looks at: seen where it calls the functions of its request, of the answer that it forwards, and of their fields.
//!
//! The functions are those of wasmtime-wasi-http, with a note taken before. A copy of fields is theirs too, so that passing
//! them on is no look at them, and asking the copy is. Answers of other Services are not the exchange's.

use std::collections::HashMap;

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceType};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler;
use wasmtime_wasi_http::p2::bindings::http::types::{
    Fields, FutureIncomingResponse, HostFields, HostFutureIncomingResponse, HostIncomingRequest, HostIncomingResponse,
    HostOutgoingRequest, HostOutgoingResponse, IncomingRequest, IncomingResponse, OutgoingRequest, RequestOptions,
};

use super::guest::Guest;
use super::link::TYPES;
use crate::abi::Side;
use crate::reads::{Kind, Reads, fixed};

type Cx<'a> = StoreContextMut<'a, Guest>;
type Types<'a> = LinkerInstance<'a, Guest>;

const HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";

/// What one guest has looked at, and which of its resources are the exchange's. Those are known by their numbers.
#[derive(Debug, Default)]
pub(super) struct Looks {
    reads: Reads,
    fields: HashMap<u32, Side>,
    /// The wait for the answer to the exchange that was sent on.
    onward: Option<u32>,
    /// That answer.
    response: Option<u32>,
}

impl Guest {
    pub fn mark(&self, question: u32) {
        self.looks.reads.mark(question);
        self.fate.look(self.looks.reads.set());
    }

    /// A look at fields: at those of a name, or at all.
    fn look_at(&self, fields: &Resource<Fields>, name: Option<&str>) {
        let Some(side) = self.looks.fields.get(&fields.rep()) else { return };
        let (kind, all) = match side {
            Side::Request => (Kind::Header, fixed::HEADERS),
            Side::Response => (Kind::ResponseHeader, fixed::RESPONSE_HEADERS),
        };
        match name {
            Some(name) => {
                self.looks.reads.with_header(&self.shared.names, kind, name, |_| Some(()));
                self.fate.look(self.looks.reads.set());
            }
            None => self.mark(all),
        }
    }

    /// Says whose fields these are; `None` for the guest's own.
    fn belong(&mut self, fields: &Resource<Fields>, side: Option<Side>) {
        match side {
            Some(side) => self.looks.fields.insert(fields.rep(), side),
            None => self.looks.fields.remove(&fields.rep()),
        };
    }

    fn is_answer(&self, response: &Resource<IncomingResponse>) -> bool {
        self.looks.response == Some(response.rep())
    }
}

/// Puts the functions that take notes in place of those that were linked.
pub(super) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance(TYPES)?;
    request(&mut types)?;
    response(&mut types)?;
    fields(&mut types)?;
    given_away(&mut types)?;
    linker.instance(HANDLER)?.func_wrap("handle", handle)?;
    linker.allow_shadowing(false);
    Ok(())
}

fn request(types: &mut Types<'_>) -> wasmtime::Result<()> {
    type Request = (Resource<IncomingRequest>,);
    types.func_wrap("[method]incoming-request.method", |mut cx: Cx<'_>, (request,): Request| {
        cx.data().mark(fixed::METHOD);
        Ok((HostIncomingRequest::method(&mut cx.data_mut().http(), request)?,))
    })?;
    types.func_wrap("[method]incoming-request.path-with-query", |mut cx: Cx<'_>, (request,): Request| {
        cx.data().mark(fixed::PATH);
        cx.data().mark(fixed::QUERY);
        Ok((HostIncomingRequest::path_with_query(&mut cx.data_mut().http(), request)?,))
    })?;
    types.func_wrap("[method]incoming-request.scheme", |mut cx: Cx<'_>, (request,): Request| {
        cx.data().mark(fixed::SCHEME);
        Ok((HostIncomingRequest::scheme(&mut cx.data_mut().http(), request)?,))
    })?;
    types.func_wrap("[method]incoming-request.authority", |mut cx: Cx<'_>, (request,): Request| {
        cx.data().mark(fixed::AUTHORITY);
        Ok((HostIncomingRequest::authority(&mut cx.data_mut().http(), request)?,))
    })?;
    types.func_wrap("[method]incoming-request.headers", |mut cx: Cx<'_>, (request,): Request| {
        let fields = HostIncomingRequest::headers(&mut cx.data_mut().http(), request)?;
        cx.data_mut().belong(&fields, Some(Side::Request));
        Ok((fields,))
    })
}

fn response(types: &mut Types<'_>) -> wasmtime::Result<()> {
    type Response = (Resource<IncomingResponse>,);
    types.func_wrap(
        "[method]future-incoming-response.get",
        |mut cx: Cx<'_>, (future,): (Resource<FutureIncomingResponse>,)| {
            let onward = cx.data().looks.onward == Some(future.rep());
            let got = HostFutureIncomingResponse::get(&mut cx.data_mut().http(), future)?;
            if let Some(Ok(Ok(response))) = &got {
                let response = response.rep();
                let known = &mut cx.data_mut().looks.response;
                match onward {
                    true => *known = Some(response),
                    // The number of one that is gone.
                    false => *known = known.filter(|known| *known != response),
                }
            }
            Ok((got,))
        },
    )?;
    types.func_wrap("[method]incoming-response.status", |mut cx: Cx<'_>, (response,): Response| {
        if cx.data().is_answer(&response) {
            cx.data().mark(fixed::RESPONSE_STATUS);
        }
        Ok((HostIncomingResponse::status(&mut cx.data_mut().http(), response)?,))
    })?;
    types.func_wrap("[method]incoming-response.headers", |mut cx: Cx<'_>, (response,): Response| {
        let side = cx.data().is_answer(&response).then_some(Side::Response);
        let fields = HostIncomingResponse::headers(&mut cx.data_mut().http(), response)?;
        cx.data_mut().belong(&fields, side);
        Ok((fields,))
    })
}

fn fields(types: &mut Types<'_>) -> wasmtime::Result<()> {
    type Named = (Resource<Fields>, String);
    types.func_wrap("[method]fields.get", |mut cx: Cx<'_>, (fields, name): Named| {
        cx.data().look_at(&fields, Some(&name));
        Ok((HostFields::get(&mut cx.data_mut().http(), fields, name)?,))
    })?;
    types.func_wrap("[method]fields.has", |mut cx: Cx<'_>, (fields, name): Named| {
        cx.data().look_at(&fields, Some(&name));
        Ok((HostFields::has(&mut cx.data_mut().http(), fields, name)?,))
    })?;
    types.func_wrap("[method]fields.entries", |mut cx: Cx<'_>, (fields,): (Resource<Fields>,)| {
        cx.data().look_at(&fields, None);
        Ok((HostFields::entries(&mut cx.data_mut().http(), fields)?,))
    })?;
    types.func_wrap("[method]fields.clone", |mut cx: Cx<'_>, (fields,): (Resource<Fields>,)| {
        let side = cx.data().looks.fields.get(&fields.rep()).copied();
        let copy = HostFields::clone(&mut cx.data_mut().http(), fields)?;
        cx.data_mut().belong(&copy, side);
        Ok((copy,))
    })?;
    types.resource("fields", ResourceType::host::<Fields>(), |mut cx: Cx<'_>, rep| {
        let fields = Resource::<Fields>::new_own(rep);
        cx.data_mut().belong(&fields, None);
        HostFields::drop(&mut cx.data_mut().http(), fields)
    })
}

/// Messages of the guest's own take fields away from it.
fn given_away(types: &mut Types<'_>) -> wasmtime::Result<()> {
    types.func_wrap("[constructor]outgoing-request", |mut cx: Cx<'_>, (fields,): (Resource<Fields>,)| {
        cx.data_mut().belong(&fields, None);
        Ok((HostOutgoingRequest::new(&mut cx.data_mut().http(), fields)?,))
    })?;
    types.func_wrap("[constructor]outgoing-response", |mut cx: Cx<'_>, (fields,): (Resource<Fields>,)| {
        cx.data_mut().belong(&fields, None);
        Ok((HostOutgoingResponse::new(&mut cx.data_mut().http(), fields)?,))
    })
}

type Handled = Result<Resource<FutureIncomingResponse>, outgoing_handler::ErrorCode>;
type Asked = (Resource<OutgoingRequest>, Option<Resource<RequestOptions>>);

fn handle(mut cx: Cx<'_>, (request, options): Asked) -> wasmtime::Result<(Handled,)> {
    let could = cx.data().goes_on();
    let future = match outgoing_handler::Host::handle(&mut cx.data_mut().http(), request, options) {
        Ok(future) => future,
        Err(error) => return Ok((Err(error.downcast()?),)),
    };
    let (has, rep) = (could && !cx.data().goes_on(), future.rep());
    let known = &mut cx.data_mut().looks.onward;
    match has {
        true => *known = Some(rep),
        false => *known = known.filter(|known| *known != rep),
    }
    Ok((Ok(future),))
}
