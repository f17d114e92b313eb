//! The interface of `wit/`, generated: one world with what every policy has, and one for each later phase.
//!
//! Each world carries its own description into the component; only the phases that `export!` names add theirs.

#![allow(unsafe_code, clippy::all, clippy::unwrap_used, clippy::expect_used, reason = "generated")]

/// Imports, `lifecycle` and `on-request`. Imports that a policy never calls do not reach its component.
pub mod base {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "router",
        pub_export_macro: true,
        default_bindings_module: "cardea_policy_sdk::bindings::base",
    });
}

pub mod request_body {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "with-request-body",
        with: { "cardea:policy/types@0.1.0": super::base::cardea::policy::types },
        pub_export_macro: true,
        default_bindings_module: "cardea_policy_sdk::bindings::request_body",
    });
}

pub mod response {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "with-response",
        with: { "cardea:policy/types@0.1.0": super::base::cardea::policy::types },
        pub_export_macro: true,
        default_bindings_module: "cardea_policy_sdk::bindings::response",
    });
}

pub mod complete {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "with-complete",
        with: { "cardea:policy/types@0.1.0": super::base::cardea::policy::types },
        pub_export_macro: true,
        default_bindings_module: "cardea_policy_sdk::bindings::complete",
    });
}
