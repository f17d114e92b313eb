//! Who answers a policy's questions: the ingress in a component, the test double in a native build.

#[cfg(target_arch = "wasm32")]
pub(crate) use crate::bindings::base::cardea::policy::{
    clock, counters, exchange, kv_local, log, metrics, random, types,
};

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use crate::testing::double::{clock, counters, exchange, kv_local, log, metrics, random, types};

impl From<types::Field> for crate::exchange::Header {
    fn from(field: types::Field) -> Self {
        Self { name: field.name, value: crate::exchange::Value(field.value) }
    }
}
