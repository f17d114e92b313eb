//! What a file is that speaks no ABI of ours, told by its first bytes or its names: what was found, what was expected.
//!
//! No byte of a text is repeated: a path may have been mistaken for that of a secret.

use super::core_module::Names;
use super::proxy_wasm;
use crate::load::LoadError;

/// Of a module's names, how many a message tells, and how much of each.
const NAMED_MAX: usize = 6;
const NAME_CHARS_MAX: usize = 60;
const MAGIC: &[u8] = b"\0asm";
const BUILT: &str = "name the .wasm file that `cardea policy build` made";

/// Files that are taken for modules: how they begin, what they are, what to do.
const KINDS: [(&[u8], &str, &str); 11] = [
    (b"\x1f\x8b", "it is compressed by gzip", "unpack it with gunzip; a module is served as it is built"),
    (b"\x28\xb5\x2f\xfd", "it is compressed by zstd", "unpack it with unzstd; a module is served as it is built"),
    (b"PK\x03\x04", "it is a zip archive", "unpack it, and name the .wasm file that is in it"),
    (b"\x7fELF", "it is a program of this machine", "build it for WebAssembly: `cardea policy build`"),
    (b"(module", "it is the text form of Wasm", "encode it: `wasm-tools parse FILE -o FILE.wasm`"),
    (b"(component", "it is the text form of Wasm", "encode it: `wasm-tools parse FILE -o FILE.wasm`"),
    (b"<!", "it is a page of HTML", "fetch the module again: a server sent a page in its place"),
    (b"<html", "it is a page of HTML", "fetch the module again: a server sent a page in its place"),
    (b"version https://git-lfs", "it is a pointer of Git LFS", "fetch what it points to: `git lfs pull`"),
    (b"#!", "it is a script", BUILT),
    (b"{", "it is JSON", BUILT),
];

/// Of bytes that do not begin as a component or core module does.
pub(super) fn file(bytes: &[u8]) -> LoadError {
    let (found, remedy) = match (bytes, bytes.strip_prefix(MAGIC)) {
        ([], _) => (String::from("it is empty"), "build it again; the build or the copy may not have ended"),
        (_, Some(&[low, high, layer, _, ..])) => {
            let kind = if layer == 0 { "a core module" } else { "a component" };
            let version = u16::from_le_bytes([low, high]);
            let expected = "expected a core module of version 1, or a component of version 13";
            return refused(
                format!("the module is Wasm of an unknown version: {kind} of version {version}; {expected}"),
                "build it with a current toolchain",
            );
        }
        _ if bytes.starts_with(MAGIC) || MAGIC.starts_with(bytes) => {
            (format!("it is cut short, after {} bytes", bytes.len()), "build it again, or fetch it again")
        }
        _ => kind(bytes),
    };
    refused(format!("the module is not Wasm: {found}; expected a Wasm component"), remedy)
}

fn kind(bytes: &[u8]) -> (String, &'static str) {
    let known = KINDS.iter().find(|(begin, ..)| bytes.starts_with(begin));
    known.map_or_else(|| (unnamed(bytes), BUILT), |(_, what, remedy)| ((*what).to_owned(), *remedy))
}

fn unnamed(bytes: &[u8]) -> String {
    let start = bytes.get(..64).unwrap_or(bytes);
    let is_text = start.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    if is_text { String::from("it is text") } else { String::from("it is another kind of file") }
}

/// Of a core module that no ABI claims.
pub(super) fn core(names: &Names<'_>) -> LoadError {
    let exports = |prefix: &str| names.exports.iter().find(|name| name.starts_with(prefix));
    if let Some(marker) = exports("proxy_abi_version_") {
        let message = format!("found `{}`, expected {}", short(marker), proxy_wasm::markers().join(" or "));
        return LoadError::new("exports", "spec.module", message, "build it with an SDK of proxy-wasm 0.2.1");
    }
    if let Some(callback) = exports("proxy_on_") {
        let message = format!(
            "the module exports `{}` of proxy-wasm, and says no version: expected the export {}",
            short(callback),
            proxy_wasm::markers().join(" or ")
        );
        return LoadError::new("exports", "spec.module", message, "build it with an SDK of proxy-wasm 0.2.1");
    }
    let message = format!(
        "the module is a core Wasm module of no known ABI: it exports {} and imports from {}; expected a component, or a \
         module of http-wasm (it imports from `http_handler`) or of proxy-wasm (it exports `proxy_abi_version_0_2_1`)",
        listed(&names.exports),
        listed(&names.imports)
    );
    refused(message, "make a component of it: `cardea policy build`, or `wasm-tools component new`")
}

/// Of a core module that two ABIs claim.
pub(super) fn both() -> LoadError {
    let message = "the module speaks two ABIs, http-wasm (`http_handler`, `handle_request`) and proxy-wasm \
                   (`proxy_abi_version_*`); expected one";
    refused(message.to_owned(), "build a module for each, and name both in cardea.dev/policies")
}

fn refused(message: String, remedy: &str) -> LoadError {
    LoadError::new("compile", "spec.module", message, remedy)
}

/// Each once, in order.
fn listed(names: &[&str]) -> String {
    let mut told: Vec<String> = Vec::new();
    for name in names.iter().map(|name| format!("`{}`", short(name))) {
        if !told.contains(&name) {
            told.push(name);
        }
    }
    let more = told.len().saturating_sub(NAMED_MAX);
    told.truncate(NAMED_MAX);
    match (told.is_empty(), more) {
        (true, _) => String::from("nothing"),
        (false, 0) => told.join(", "),
        (false, more) => format!("{} and {more} more", told.join(", ")),
    }
}

fn short(name: &str) -> String {
    name.chars().take(NAME_CHARS_MAX).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_how_it_begins() {
        for (bytes, found) in [
            (&b""[..], "it is empty; expected a Wasm component"),
            (b"\0as", "it is cut short, after 3 bytes"),
            (b"\0asm\x0d\0", "it is cut short, after 6 bytes"),
            (b"\x1f\x8b\x08\0\0\0\0\0", "compressed by gzip"),
            (b"<!DOCTYPE html><html>", "a page of HTML"),
            (b"(module)", "the text form of Wasm"),
            (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS"),
            (b"#!/bin/sh\n", "a script"),
            (b"hunter2 is my password\n", "it is text; expected"),
            (b"\xff\xfe\0\0\0\0\0\0\0", "another kind of file"),
            (b"\0asm\x09\0\0\0", "a core module of version 9; expected a core module of version 1"),
            (b"\0asm\x0c\0\x01\0", "a component of version 12; expected"),
        ] {
            let error = file(bytes);
            assert!(error.message.contains(found), "{error:?}");
            assert!(!error.message.contains("hunter2") && !error.remedy.is_empty(), "{error:?}");
        }
    }

    #[test]
    fn a_core_module_is_told_by_its_names() {
        let names = |imports: &[&'static str], exports: &[&'static str]| {
            core(&Names { imports: imports.to_vec(), exports: exports.to_vec() })
        };
        let program = names(&["wasi_snapshot_preview1", "wasi_snapshot_preview1"], &["_start", "memory"]);
        assert!(
            program.message.contains("exports `_start`, `memory` and imports from `wasi_snapshot_preview1`;"),
            "{program:?}"
        );
        let many = names(&[], &["a", "b", "c", "d", "e", "f", "g", "h"]);
        assert!(many.message.contains("`f` and 2 more and imports from nothing"), "{many:?}");
        let newer = names(&[], &["proxy_abi_version_0_3_0"]);
        assert_eq!(newer.stage, "exports");
        assert!(
            newer.message.starts_with("found `proxy_abi_version_0_3_0`, expected `proxy_abi_version_0_1_0` or "),
            "{newer:?}"
        );
        let silent = names(&["env"], &["proxy_on_request_headers"]);
        assert!(
            silent.message.contains("says no version: expected the export `proxy_abi_version_0_1_0`"),
            "{silent:?}"
        );
    }
}
