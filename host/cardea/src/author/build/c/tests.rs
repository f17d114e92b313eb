#![allow(clippy::unwrap_used, reason = "a test")]

use std::env;
use std::path::Path;

use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

use crate::author::sdk;

/// With CARDEA_WRITE_BINDINGS set, they are made so.
#[test]
fn the_bindings_of_c_are_what_the_generator_makes_of_the_interface() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk/c/bindings");
    let mut resolve = Resolve::default();
    let package = resolve.push_source("policy.wit", sdk::interface()).unwrap();
    let world = resolve.select_world(&[package], Some("gateway")).unwrap();
    let rename_world = Some(String::from("cardea_wit"));
    let options = wit_bindgen_c::Opts { no_object_file: true, rename_world, ..wit_bindgen_c::Opts::default() };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files).unwrap();
    assert_eq!(files.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["cardea_wit.c", "cardea_wit.h"]);
    for (name, made) in files.iter() {
        let path = folder.join(name);
        if env::var_os("CARDEA_WRITE_BINDINGS").is_some() {
            std::fs::write(&path, made).unwrap();
        }
        let committed = std::fs::read(&path).unwrap();
        assert!(
            committed == made,
            "{name} differs: run this test with CARDEA_WRITE_BINDINGS=1, and commit what it writes"
        );
    }
}
