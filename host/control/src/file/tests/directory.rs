//! The promises about a directory: what serves, whatever state its files are in.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use cardea_model::config::{Config, ModuleSource};
use tempfile::TempDir;

use super::super::*;
use super::ingress;

pub(super) fn directory(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        put(directory.path(), name, text);
    }
    directory
}

pub(super) fn put(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(super) fn ingresses(config: &Config) -> Vec<&str> {
    config.ingresses.iter().map(|ingress| &*ingress.origin.name).collect()
}

/// A source that looks when it is told to, and so is the same every time.
fn unwatched(directory: &Path) -> FileSource {
    FileSource::over(directory, watch::Watch::deaf()).unwrap()
}

fn load(source: &mut FileSource) -> (Vec<String>, Vec<String>) {
    let (config, problems) = source.load();
    let names = ingresses(&config).into_iter().map(str::to_owned).collect();
    (names, problems.iter().map(ToString::to_string).collect())
}

fn policy(name: &str, module: &str) -> String {
    format!("apiVersion: cardea.dev/v1alpha1\nkind: Policy\nmetadata: {{name: {name}}}\nspec: {{module: {module}}}\n")
}

#[test]
fn a_directory_that_is_none_is_refused() {
    let directory = directory(&[("a.yaml", "")]);
    for path in [directory.path().join("absent"), directory.path().join("a.yaml")] {
        let error = FileSource::open(&path).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn manifests_are_found_in_subfolders_and_hidden_ones_are_not() {
    let directory = directory(&[
        ("b/deep/x.yml", &ingress("x")),
        ("a.yaml", &ingress("a")),
        (".git/y.yaml", &ingress("y")),
        (".z.yaml.swp", &ingress("z")),
        ("notes.txt", "not yaml: ["),
        ("c.json", r#"{"apiVersion": "v1", "kind": "Namespace"}"#),
    ]);
    let mut source = unwatched(directory.path());
    assert_eq!(load(&mut source), (vec!["a".into(), "x".into()], vec![]));
}

#[test]
fn links_are_followed_but_nothing_is_met_twice() {
    let outside = directory(&[("out.yaml", &ingress("out"))]);
    let directory = directory(&[("a/a.yaml", &ingress("a"))]);
    symlink(directory.path(), directory.path().join("a/loop")).unwrap();
    symlink(directory.path().join("a"), directory.path().join("twice")).unwrap();
    symlink(directory.path().join("a/a.yaml"), directory.path().join("z.yaml")).unwrap();
    symlink(outside.path(), directory.path().join("outside")).unwrap();
    symlink("nowhere", directory.path().join("dangling.yaml")).unwrap();
    let mut source = unwatched(directory.path());
    assert_eq!(load(&mut source), (vec!["a".into(), "out".into()], vec![]));
}

#[test]
fn a_broken_file_keeps_its_last_good_objects_as_a_whole() {
    let good = ingress("a") + "---\n" + &ingress("b");
    let directory = directory(&[("x.yaml", &good), ("y.yaml", &ingress("y"))]);
    let mut source = unwatched(directory.path());
    assert_eq!(load(&mut source).0, ["a", "b", "y"]);

    // One new, one broken: the new one waits for the broken one; the other file does not.
    put(directory.path(), "x.yaml", &(ingress("new") + "---\na: ["));
    put(directory.path(), "y.yaml", &ingress("y2"));
    let (names, problems) = load(&mut source);
    assert_eq!(names, ["a", "b", "y2"]);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("Manifest (x.yaml, document 2): "), "{problems:?}");
    assert!(problems[0].ends_with("; until then the last good objects of this file serve"), "{problems:?}");

    // Still broken, otherwise: still the last good state.
    put(directory.path(), "x.yaml", "kind: Nothing");
    let (names, problems) = load(&mut source);
    assert_eq!((names, problems.len()), (vec!["a".into(), "b".into(), "y2".into()], 1));

    put(directory.path(), "x.yaml", &ingress("c"));
    assert_eq!(load(&mut source), (vec!["c".into(), "y2".into()], vec![]));
    fs::remove_file(directory.path().join("x.yaml")).unwrap();
    assert_eq!(load(&mut source), (vec!["y2".into()], vec![]));
}

#[test]
fn a_file_that_was_never_good_serves_its_good_documents() {
    let directory = directory(&[("x.yaml", &(ingress("a") + "---\na: ["))]);
    let mut source = unwatched(directory.path());
    let (names, problems) = load(&mut source);
    assert_eq!((names, problems.len()), (vec!["a".into()], 1));
    assert!(problems[0].ends_with("; correct the YAML"), "{problems:?}");
    put(directory.path(), "x.yaml", &(ingress("b") + "---\na: ["));
    assert_eq!(load(&mut source).0, ["b"]);
}

#[test]
fn an_object_that_is_wrong_counts_as_a_broken_document() {
    let service = |port: u32| {
        format!("apiVersion: v1\nkind: Service\nmetadata: {{name: s}}\nspec: {{ports: [{{port: {port}}}]}}\n")
    };
    let directory = directory(&[("x.yaml", &service(80))]);
    let mut source = unwatched(directory.path());
    source.load();
    put(directory.path(), "x.yaml", &service(99_999));
    let (config, problems) = source.load();
    assert_eq!((config.services[0].ports[0].port, problems.len()), (80, 1));
}

#[test]
fn a_file_that_cannot_be_read_keeps_what_it_held() {
    let directory = directory(&[("x.yaml", &ingress("a")), ("sub/y.yaml", &ingress("y"))]);
    let mut source = unwatched(directory.path());
    source.load();
    // Larger than the bound, without using the disk: as unreadable as a file can be to any user.
    let file = fs::File::create(directory.path().join("x.yaml")).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    let (names, problems) = load(&mut source);
    assert_eq!(names, ["y", "a"]);
    assert_eq!(
        problems,
        ["Manifest (x.yaml, document 1): cannot be read: is larger than 64 MiB; make it readable, of at most 64 \
          MiB; until then what it held before serves"]
    );
}

#[test]
fn a_folder_that_cannot_be_listed_keeps_what_it_held() {
    let directory = directory(&[("sub/y.yaml", &ingress("y")), ("subway.yaml", &ingress("z"))]);
    let mut source = unwatched(directory.path());
    source.load();
    // A link to itself cannot be followed by any user, root included.
    let sub = directory.path().join("sub");
    fs::remove_dir_all(&sub).unwrap();
    symlink(&sub, &sub).unwrap();
    fs::remove_file(directory.path().join("subway.yaml")).unwrap();
    let (names, problems) = load(&mut source);
    assert_eq!((names, problems.len()), (vec!["y".into()], 1));
    assert!(problems[0].starts_with("Manifest (sub, document 1): cannot be read: "), "{problems:?}");
    fs::remove_file(&sub).unwrap();
    assert_eq!(load(&mut source), (vec![], vec![]));
}

#[test]
fn the_first_of_a_name_serves_and_the_second_is_a_problem() {
    let directory = directory(&[
        ("b.yaml", &ingress("same")),
        (
            "a.yaml",
            &(ingress("other") + "---\n" + &ingress("same").replace("spec: {}", "spec: {ingressClassName: first}")),
        ),
    ]);
    let mut source = unwatched(directory.path());
    let (config, problems) = source.load();
    assert_eq!(ingresses(&config), ["other", "same"]);
    assert_eq!(config.ingresses[1].class_name.as_deref(), Some("first"));
    let expected = "Ingress default/same (b.yaml, document 1): metadata.name: is taken by the same kind in a.yaml, \
                    document 2, which serves; remove one of the two, or rename it";
    assert_eq!(problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
}

#[test]
fn a_name_that_is_repeated_later_is_told_as_long_as_it_is() {
    let directory = directory(&[("a.yaml", &ingress("same")), ("b.yaml", &ingress("other"))]);
    let mut source = unwatched(directory.path());
    assert_eq!(source.load().1, []);
    for _ in 0..2 {
        put(directory.path(), "b.yaml", &(ingress("other") + "---\n" + &ingress("same")));
        let (config, problems) = source.load();
        assert_eq!((ingresses(&config), problems.len()), (vec!["same", "other"], 1));
        put(directory.path(), "b.yaml", &ingress("other"));
        assert_eq!(source.load().1, []);
    }
    put(directory.path(), "b.yaml", &ingress("same"));
    assert_eq!(source.load().1.len(), 1);
    std::fs::remove_file(directory.path().join("a.yaml")).unwrap();
    let (config, problems) = source.load();
    assert_eq!((ingresses(&config), problems), (vec!["same"], vec![]));
}

#[test]
fn what_did_not_change_is_the_same_value() {
    let directory = directory(&[
        ("a.yaml", &(ingress("a") + "---\n" + &ingress("b") + "---\n" + &policy("p", "{file: m.wasm}"))),
        ("m.wasm", "one"),
    ]);
    let mut source = unwatched(directory.path());
    let (before, _) = source.load();
    let (again, _) = source.load();
    assert!(Arc::ptr_eq(&before.policies[0], &again.policies[0]));
    let text = ingress("a") + "---\n" + &ingress("c") + "---\n" + &policy("p", "{file: m.wasm}");
    put(directory.path(), "a.yaml", &text);
    let (after, _) = source.load();
    assert_eq!(ingresses(&after), ["a", "c"]);
    assert!(Arc::ptr_eq(&before.ingresses[0], &after.ingresses[0]));
    assert!(Arc::ptr_eq(&before.policies[0], &after.policies[0]));
}

#[test]
fn a_second_write_within_one_tick_of_the_clock_is_seen() {
    let directory = directory(&[("a.yaml", &ingress("a"))]);
    let mut source = unwatched(directory.path());
    for name in ["b", "c", "d", "e", "f", "g"] {
        put(directory.path(), "a.yaml", &ingress(name));
        assert_eq!(load(&mut source).0, [name]);
    }
}

#[test]
fn a_module_is_found_beside_its_manifest() {
    let directory =
        directory(&[("policies/p.yaml", &policy("p", "{file: ../modules/m.wasm}")), ("modules/m.wasm", "bytes")]);
    let mut source = unwatched(directory.path());
    let (config, problems) = source.load();
    assert_eq!(problems, []);
    let expected = ModuleSource::Bytes { path: "policies/../modules/m.wasm".into(), bytes: b"bytes"[..].into() };
    assert_eq!(config.policies[0].module, expected);
}

#[test]
fn a_module_that_is_not_there_is_a_problem_until_it_is() {
    let directory = directory(&[("p.yaml", &policy("p", "{file: m.wasm}"))]);
    let mut source = unwatched(directory.path());
    let (config, problems) = source.load();
    assert!(matches!(&config.policies[0].module, ModuleSource::Missing { path, .. } if &**path == "m.wasm"));
    assert_eq!(
        problems[0].to_string(),
        "Policy default/p (p.yaml, document 1): spec.module.file: m.wasm cannot be read: No such file or directory \
         (os error 2); put the module there, or correct the path; the last good version, if there was one, serves until then"
    );
    put(directory.path(), "m.wasm", "late");
    let (config, problems) = source.load();
    assert_eq!(problems, []);
    assert!(matches!(&config.policies[0].module, ModuleSource::Bytes { bytes, .. } if &**bytes == b"late"));
}

#[test]
fn a_module_is_read_again_only_when_it_changed() {
    let directory = directory(&[("p.yaml", &policy("p", "{file: m.wasm}")), ("m.wasm", "one")]);
    let mut source = unwatched(directory.path());
    let bytes = |source: &mut FileSource| match &source.load().0.policies[0].module {
        ModuleSource::Bytes { bytes, .. } => Arc::clone(bytes),
        missing => panic!("{missing:?}"),
    };
    let first = bytes(&mut source);
    assert!(Arc::ptr_eq(&first, &bytes(&mut source)));
    put(directory.path(), "m.wasm", "two");
    assert_eq!(&*bytes(&mut source), b"two");
}

#[test]
fn a_module_may_be_in_a_config_map_of_the_namespace() {
    let map =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: modules, namespace: NS}\nbinaryData: {a.wasm: AGFzbQ==}\n";
    let by_map = policy("p", "{configMap: {name: modules, key: KEY}}");
    let cases = [
        ("default", "a.wasm", None),
        ("default", "b.wasm", Some("its binaryData has no such key")),
        ("other", "a.wasm", Some("there is no such ConfigMap with binaryData in the namespace")),
    ];
    for (namespace, key, expected) in cases {
        let text = by_map.replace("KEY", key) + "---\n" + &map.replace("NS", namespace);
        let directory = directory(&[("p.yaml", &text)]);
        let (config, problems) = unwatched(directory.path()).load();
        match (&config.policies[0].module, expected) {
            (ModuleSource::Bytes { bytes, .. }, None) => assert_eq!(&**bytes, b"\0asm"),
            (ModuleSource::Missing { message, .. }, Some(expected)) => {
                assert_eq!(message, expected);
                assert_eq!(problems[0].field, "spec.module.configMap");
            }
            other => panic!("{other:?}"),
        }
    }
}
