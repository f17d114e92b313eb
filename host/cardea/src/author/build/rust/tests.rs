#![allow(clippy::unwrap_used, reason = "a test")]

use std::env;
use std::path::Path;

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{Files, WorldGenerator as _};
use wit_bindgen_rust::{Opts, WithOption};

use crate::author::sdk;

/// Types are those of `base`, wherever a phase speaks of them.
const TYPES: (&str, &str) = ("cardea:policy/types@0.1.0", "super::base::cardea::policy::types");

/// With CARDEA_WRITE_BINDINGS set, they are made so.
#[test]
fn the_bindings_of_rust_are_what_the_generator_makes_of_the_interface() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk/rust/src/bindings");
    for (module, world) in [
        ("base", "router"),
        ("request_body", "with-request-body"),
        ("response", "with-response"),
        ("complete", "with-complete"),
    ] {
        let path = folder.join(module).with_extension("rs");
        let made = bindings(module, world);
        if env::var_os("CARDEA_WRITE_BINDINGS").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap();
        assert!(
            committed == made,
            "{module}.rs differs: run this test with CARDEA_WRITE_BINDINGS=1, and commit what it writes"
        );
    }
}

fn bindings(module: &str, world: &str) -> String {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("policy.wit", sdk::interface()).unwrap();
    let world = resolve.select_world(&[package], Some(world)).unwrap();
    let with = match module {
        "base" => Vec::new(),
        _ => vec![(TYPES.0.to_owned(), WithOption::Path(TYPES.1.to_owned()))],
    };
    let options = Opts {
        format: true,
        with,
        pub_export_macro: true,
        default_bindings_module: Some(format!("cardea_policy_sdk::bindings::{module}")),
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files).unwrap();
    let made: Vec<_> = files.iter().map(|(_, bytes)| String::from_utf8(bytes.to_vec()).unwrap()).collect();
    made.concat()
}
