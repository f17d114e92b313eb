//! Whether a policy's limits are within the process's, and a module's needs within its policy's.

use cardea_model::config;
use wasmtime::ResourcesRequired;

use super::LoadError;
use crate::engine::{Engine, MEMORIES_MAX, TABLES_MAX};
use crate::host::TABLE_ELEMENTS_MAX;

/// Of Wasm: the unit of `resources_required`.
const PAGE_BYTES: u64 = 64 << 10;

impl Engine {
    pub(super) fn check_limits(&self, spec: &config::Policy) -> Result<(), LoadError> {
        let (asked, most) = (spec.limits.memory_bytes_max, self.options().memory_bytes_max);
        if asked > most {
            let message = format!("limits.memory is {asked} bytes, and this process allows {most}");
            return Err(LoadError::new(
                "limits",
                "spec.limits.memory",
                message,
                format!("ask for {most} bytes at most"),
            ));
        }
        Ok(())
    }
}

/// What a module needs before it runs at all, against the policy's limit and the pool.
pub(super) fn check_needs(needs: &ResourcesRequired, spec: &config::Policy) -> Result<(), LoadError> {
    let memory = needs.max_initial_memory_size.unwrap_or(0).saturating_mul(PAGE_BYTES);
    if memory > u64::from(spec.limits.memory_bytes_max) {
        let message = format!(
            "the module starts with {memory} bytes of memory, more than limits.memory ({})",
            spec.limits.memory_bytes_max
        );
        return Err(LoadError::new("limits", "spec.limits.memory", message, format!("allow at least {memory} bytes")));
    }
    let table = needs.max_initial_table_size.unwrap_or(0);
    let found = [
        (u64::from(needs.num_memories), u64::from(MEMORIES_MAX), "memories"),
        (u64::from(needs.num_tables), u64::from(TABLES_MAX), "tables"),
        (table, TABLE_ELEMENTS_MAX as u64, "elements in a table"),
    ];
    match found.into_iter().find(|(needed, most, _)| needed > most) {
        Some((needed, most, what)) => {
            let message = format!("the module has {needed} {what}, and a policy may have {most}");
            Err(LoadError::new("limits", "spec.module", message, "build a smaller module"))
        }
        None => Ok(()),
    }
}
