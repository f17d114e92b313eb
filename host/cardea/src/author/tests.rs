#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::module::Shape;
use super::{Command, Verdict, check};

/// The conformance policy as the interface was first released.
const CONFORMANCE: &[u8] = include_bytes!("../../../../tests/fixtures/conformance-0.1.0.wasm");

/// A folder with the bytes of one module.
struct Folder(tempfile::TempDir);

impl Folder {
    fn with(module: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.wasm"), module).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn verdict(words: &[&str]) -> Result<Verdict, u8> {
    let Command::Check(args) = Cli::parse_from([&["cardea", "check"], words].concat()).command else {
        return Err(0);
    };
    check::run(&args).map_err(|mistake| mistake.exit_code)
}

/// A component that exports an instance of each name, with an empty function `f`.
fn exporting(names: &[&str]) -> Vec<u8> {
    let exports: String = names.iter().map(|name| format!("(export \"{name}\" (instance $i))\n")).collect();
    let text = format!(
        "(component
            (core module $m (memory 2) (func (export \"f\")))
            (core instance $c (instantiate $m))
            (func $f (canon lift (core func $c \"f\")))
            (instance $i (export \"handle\" (func $f)) (export \"init\" (func $f)))
            {exports})"
    );
    wat::parse_str(text).unwrap()
}

#[test]
fn what_is_no_policy_is_refused_and_does_not_end_the_tool() {
    let core = wat::parse_str("(module)").unwrap();
    let other_version = exporting(&["cardea:policy/lifecycle@0.2.0", "cardea:policy/on-request@0.2.0"]);
    let mistyped = exporting(&["cardea:policy/lifecycle@0.1.0", "cardea:policy/on-request@0.1.0"]);
    let truncated = core.get(..6).unwrap().to_vec();
    let modules: [&[u8]; 7] =
        [b"hello", b"", &core, &truncated, &wat::parse_str("(component)").unwrap(), &other_version, &mistyped];
    for module in modules {
        let folder = Folder::with(module);
        assert_eq!(verdict(&[folder.path().to_str().unwrap()]), Ok(Verdict::Bad), "{module:?}");
    }
}

#[test]
fn each_refusal_says_what_was_found_expected_and_to_do() {
    let cases: [(Vec<u8>, &str, &str); 8] = [
        (b"hello, world".to_vec(), "not Wasm: it is text; expected a Wasm component", "name the .wasm file"),
        (Vec::new(), "not Wasm: it is empty", "may not have ended"),
        (wat::parse_str("(module)").unwrap(), "a core Wasm module", "cardea policy build"),
        (
            exporting(&["cardea:policy/on-request@0.1.0", "wasi:http/incoming-handler@0.2.3"]),
            "exports both `cardea:policy/on-request@0.1.0` and the handler of wasi:http",
            "a module for each",
        ),
        (wat::parse_str("(component)").unwrap(), "does not export `cardea:policy/lifecycle@0.1.0`", "export it"),
        (
            exporting(&["cardea:policy/lifecycle@0.2.0"]),
            "found `cardea:policy/lifecycle@0.2.0`, expected `cardea:policy/lifecycle@0.1.0`",
            "build the module against",
        ),
        (
            wat::parse_str("(component (import \"acme:cli/environment@0.2.0\" (instance)))").unwrap(),
            "imports `acme:cli/environment@0.2.0`",
            "without that import",
        ),
        (
            wat::parse_str("(component (import \"cardea:policy/kv-local@0.1.0\" (instance)))").unwrap(),
            "does not export",
            "export it",
        ),
    ];
    for (module, found, remedy) in cases {
        let error = check::load_error(&module).unwrap();
        assert!(error.message.contains(found), "{error:?}");
        assert!(error.remedy.contains(remedy), "{error:?}");
    }
}

#[test]
fn an_import_that_the_manifest_does_not_grant_is_refused_by_name() {
    let module = wat::parse_str("(component (import \"cardea:policy/kv-local@0.1.0\" (instance)))").unwrap();
    let folder = Folder::with(&module);
    let manifest = "apiVersion: cardea.dev/v1alpha1\nkind: Policy\nmetadata: { name: a }\n\
                    spec: { module: { file: a.wasm }, grants: { interfaces: [clock] } }\n";
    let path = folder.path().join("policy.yaml");
    fs::write(&path, manifest).unwrap();
    let error = check::error_under(&module, &path).unwrap();
    assert_eq!((error.stage, error.field), ("imports", "spec.grants.interfaces"));
    assert!(error.message.contains("`kv-local`"), "{error:?}");
}

#[test]
fn a_new_version_that_wants_more_is_found_and_one_that_wants_the_same_is_not() {
    let importing =
        |name: &str| wat::parse_str(format!("(component (import \"cardea:policy/{name}@0.1.0\" (instance)))")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("old.wasm"), CONFORMANCE).unwrap();
    let same = verdict(&[&path("old.wasm"), "--previous", &path("old.wasm")]);
    assert_eq!(same, Ok(Verdict::Good));
    fs::write(path("less.wasm"), importing("clock")).unwrap();
    assert_eq!(verdict(&[&path("old.wasm"), "--previous", &path("less.wasm")]), Ok(Verdict::Bad));
    assert_eq!(verdict(&[&path("old.wasm"), "--grants", "clock,log"]), Ok(Verdict::Bad), "it imports more");
}

#[test]
fn any_wasm_is_told_by_its_abi() {
    let abi = |text: &str| Shape::of_any(&wat::parse_str(text).unwrap()).unwrap().abi();
    assert_eq!(abi("(module (func (export \"proxy_abi_version_0_2_1\")))"), Some("proxy-wasm"));
    assert_eq!(abi("(module (import \"http_handler\" \"log\" (func)))"), Some("http-wasm"));
    assert_eq!(abi("(module (func (export \"_start\")))"), None);
    assert_eq!(Shape::of_any(&exporting(&["cardea:policy/on-request@0.1.0"])).unwrap().abi(), Some("cardea:policy"));
    assert_eq!(Shape::of_any(&exporting(&["wasi:http/incoming-handler@0.2.3"])).unwrap().abi(), Some("wasi:http"));
    assert_eq!(Shape::of_any(b"hello"), None);
}

#[test]
fn a_path_that_is_not_there_or_is_ambiguous_is_bad_usage() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| PathBuf::from(folder.path()).join(name).to_str().unwrap().to_owned();
    assert_eq!(verdict(&[&path("missing.wasm")]), Err(2));
    assert_eq!(verdict(&[folder.path().to_str().unwrap()]), Err(2), "no module in it");
    fs::write(path("a.wasm"), "").unwrap();
    fs::write(path("b.wasm"), "").unwrap();
    assert_eq!(verdict(&[folder.path().to_str().unwrap()]), Err(2), "two modules");
    assert_eq!(verdict(&[&path("a.wasm"), "--policy", &path("missing.yaml")]), Err(2));
}

#[test]
fn the_shape_of_a_component_is_read_without_compiling_it() {
    let shape = Shape::read(&exporting(&["cardea:policy/lifecycle@0.1.0", "cardea:policy/on-response@0.1.0"])).unwrap();
    assert_eq!(shape.exports, ["cardea:policy/lifecycle@0.1.0", "cardea:policy/on-response@0.1.0"]);
    assert_eq!(shape.phases(), ["on-response"]);
    assert_eq!((shape.core_modules, shape.memory_bytes_min), (1, 128 << 10));
    let importing = wat::parse_str(
        "(component (import \"cardea:policy/exchange@0.1.0\" (instance)) (import \"cardea:policy/clock@0.1.0\" (instance)))",
    );
    assert_eq!(Shape::read(&importing.unwrap()).unwrap().capabilities(), ["clock"]);
    assert_eq!(Shape::read(b"hello"), None);
    assert_eq!(Shape::read(&wat::parse_str("(module)").unwrap()), None);
}
