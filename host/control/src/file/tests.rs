//! The promises about text: what each document of a manifest becomes, and what it cannot do to its neighbours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod directory;
mod watching;

use super::split::documents;
use super::*;

const INGRESS: &str = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: NAME}\nspec: {}\n";

fn ingress(name: &str) -> String {
    INGRESS.replace("NAME", name)
}

fn names(parsed: &Parsed) -> Vec<String> {
    parsed.objects.iter().map(|object| object.origin().to_string()).collect()
}

fn problems(parsed: &Parsed) -> Vec<String> {
    parsed.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn documents_end_at_markers_and_only_those_with_content_count() {
    let text = "\u{feff}# licence\n---\n# nothing\n--- # a comment\na: 1\n...\n%YAML 1.2\n---\r\nb: |\n  ---\n ---\n----\n--- c\n---";
    let found: Vec<_> = documents(text).into_iter().map(|one| (one.number, one.line, one.text)).collect();
    let expected = [(1, 3, " # a comment\na: 1\n"), (2, 7, "\r\nb: |\n  ---\n ---\n----\n"), (3, 12, " c\n")];
    assert_eq!(found, expected);
    assert_eq!(documents(""), []);
}

#[test]
fn a_broken_document_leaves_its_neighbours() {
    let text = [ingress("a"), "a: [\n".to_owned(), ingress("b")].join("---\n");
    let parsed = parse("dir/a.yaml", text.as_bytes());
    assert_eq!(
        names(&parsed),
        ["Ingress default/a (dir/a.yaml, document 1)", "Ingress default/b (dir/a.yaml, document 3)"]
    );
    let problems = problems(&parsed);
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("Manifest (dir/a.yaml, document 2): "), "{problems:?}");
    assert!(problems[0].ends_with("(line 7); correct the YAML"), "{problems:?}");
}

#[test]
fn what_is_no_object_says_what_it_lacks() {
    let cases = [
        (
            "a: 1",
            "Manifest (a.yaml, document 1): kind: is missing; every document is one Kubernetes object with apiVersion, kind and metadata.name",
        ),
        (
            "kind: Ingress\nmetadata: {name: a}",
            "Ingress default/a (a.yaml, document 1): apiVersion: is missing; every document is one Kubernetes object with apiVersion, kind and metadata.name",
        ),
        (
            "[a]",
            "Manifest (a.yaml, document 1): invalid type: sequence, expected struct Header (line 1); give a value of the type that is expected",
        ),
        (
            "just text",
            "Manifest (a.yaml, document 1): invalid type: string, expected struct Header (line 1); give a value of the type that is expected",
        ),
        (
            "kind: Ingress\napiVersion: extensions/v1beta1\nmetadata: {name: a}",
            "Ingress default/a (a.yaml, document 1): apiVersion: extensions/v1beta1 of Ingress is not read; use networking.k8s.io/v1",
        ),
        (
            "kind: EndpointSlice\napiVersion: discovery.k8s.io/v1beta1\nmetadata: {name: a}",
            "EndpointSlice default/a (a.yaml, document 1): apiVersion: discovery.k8s.io/v1beta1 of EndpointSlice is not read; use discovery.k8s.io/v1",
        ),
        (
            "kind: Polices\napiVersion: cardea.dev/v1alpha1\n",
            "Manifest (a.yaml, document 1): kind: Polices is no kind of cardea.dev/v1alpha1; the kind of this group is Policy",
        ),
        (
            "kind: Policy\napiVersion: cardea.dev/v2\nmetadata: {name: p}",
            "Policy default/p (a.yaml, document 1): apiVersion: cardea.dev/v2 of Policy is not read; use cardea.dev/v1alpha1",
        ),
        ("a: *nobody", "Manifest (a.yaml, document 1): unknown anchor (line 1); define the anchor before the alias"),
    ];
    for (text, expected) in cases {
        let parsed = parse("a.yaml", text.as_bytes());
        assert_eq!(problems(&parsed), [expected.to_owned()], "{text}");
        assert!(parsed.objects.is_empty());
    }
    let parsed = parse("a.yaml", b"a: 1\nb: \xff\n");
    assert_eq!(
        problems(&parsed),
        ["Manifest (a.yaml, document 1): is not UTF-8 text (line 2); save the file as UTF-8"]
    );
}

#[test]
fn kinds_that_are_nothing_to_an_ingress_are_passed_over() {
    for header in [
        "apiVersion: apps/v1\nkind: Deployment",
        "apiVersion: v1\nkind: Namespace",
        "apiVersion: serving.knative.dev/v1\nkind: Service",
        "apiVersion: config.openshift.io/v1\nkind: Ingress",
        "apiVersion: kyverno.io/v1\nkind: Policy",
    ] {
        let parsed = parse("a.yaml", format!("{header}\nmetadata: {{name: a}}\nspec: {{anything: [1]}}\n").as_bytes());
        assert_eq!(parsed, Parsed::default(), "{header}");
    }
}

#[test]
fn a_list_is_its_items() {
    let item = "- apiVersion: networking.k8s.io/v1\n  kind: Ingress\n  metadata: {name: a}\n  spec: {}\n";
    let list = format!(
        "apiVersion: v1\nkind: List\nitems:\n{item}- {{apiVersion: v1, kind: Pod}}\n\
         - {{apiVersion: v1, kind: Service, metadata: {{name: s}}, spec: {{ports: 5}}}}\n"
    );
    let parsed = parse("a.yaml", list.as_bytes());
    assert_eq!(names(&parsed), ["Ingress default/a (a.yaml, document 1)"]);
    let expected = "Service default/s (a.yaml, document 1): items[2].spec.ports: invalid type: integer `5`, expected \
                    a sequence; give a value of the type that is expected";
    assert_eq!(problems(&parsed), [expected]);

    let typed = "apiVersion: networking.k8s.io/v1\nkind: IngressList\nitems:\n- {metadata: {name: a}, spec: {}}\n";
    assert_eq!(names(&parse("a.yaml", typed.as_bytes())), ["Ingress default/a (a.yaml, document 1)"]);
    let parsed = parse("a.yaml", b"apiVersion: v1\nkind: List\n");
    assert_eq!(problems(&parsed), ["Manifest (a.yaml, document 1): items: is not a list of objects; list the objects"]);
}

#[test]
fn json_is_read_as_one_value_or_several() {
    let one = r#"{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "a"}, "spec": {}}"#;
    let parsed = parse("a.json", format!("{one}\n\t{}", one.replace("\"a\"", "\"b\"")).as_bytes());
    assert_eq!(names(&parsed), ["Ingress default/a (a.json, document 1)", "Ingress default/b (a.json, document 2)"]);
    let parsed = parse("a.json", one.replace("\"spec\": {}", "\"spec\": {\"rules\": 5}").as_bytes());
    let expected = "Ingress default/a (a.json, document 1): spec.rules: invalid type: integer `5`, expected a sequence; \
                    give a value of the type that is expected";
    assert_eq!(problems(&parsed), [expected]);
    let parsed = parse("a.json", b"{\"a\": 1,\n}");
    let expected = "Manifest (a.json, document 1): trailing comma (line 2); correct the JSON";
    assert_eq!(problems(&parsed), [expected]);
    let parsed = parse("a.json", b"[]");
    let expected = "Manifest (a.json, document 1): is not an object; write one Kubernetes object, or a List of them";
    assert_eq!(problems(&parsed), [expected]);
}

#[test]
fn aliases_and_merge_keys_are_resolved() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  ports:\n  - &port {name: a, port: 80, targetPort: 8080}\n  \
                - {<<: *port, name: b}\n  - *port\n";
    let parsed = parse("a.yaml", text.as_bytes());
    let Object::Service(service) = &parsed.objects[0] else { panic!("{parsed:?}") };
    let ports: Vec<_> = service.ports.iter().map(|port| (port.name.as_deref().unwrap(), port.port)).collect();
    assert_eq!(ports, [("a", 80), ("b", 80), ("a", 80)]);
}

#[test]
fn a_text_that_expands_without_measure_is_refused() {
    // Nine levels of nine: the classic. Then one large value repeated often, which no limit on nesting catches.
    let mut laughs = "a0: &a0 [lol, lol]\n".to_owned();
    for level in 1..=9 {
        let alias = format!("*a{}, ", level - 1).repeat(9);
        laughs += &format!("a{level}: &a{level} [{alias}]\n");
    }
    laughs += "a: &a {all: *a9}\n";
    let wide = format!("a: &a [{}]\nb: [{}]\n", "x, ".repeat(20_000), "*a, ".repeat(20_000));
    for text in [laughs, wide] {
        let policy = format!("apiVersion: cardea.dev/v1alpha1\nkind: Policy\nmetadata: {{name: p}}\n{text}");
        for text in [policy.clone(), policy + "<<: *a\n"] {
            let expected = "Manifest (a.yaml, document 1): its aliases expand to too large a value; write it with less nesting and fewer aliases";
            assert_eq!(problems(&parse("a.yaml", text.as_bytes())), [expected]);
        }
    }
}

#[test]
fn a_text_that_nests_without_measure_is_refused() {
    let expected =
        "Manifest (a.yaml, document 1): nests more than 1000 levels deep; write it with less nesting and fewer aliases";
    assert_eq!(problems(&parse("a.yaml", "[".repeat(1_000_000).as_bytes())), [expected]);
    for text in ["[".repeat(900), "- ".repeat(100_000), "{a: ".repeat(900)] {
        assert_eq!(parse("a.yaml", text.as_bytes()).problems.len(), 1);
        assert_eq!(parse("a.json", text.as_bytes()).problems.len(), 1);
    }
}

#[test]
fn many_files_are_read_in_order_and_as_one_by_one() {
    let files: Vec<(std::sync::Arc<str>, Vec<u8>)> = (0..40)
        .map(|file| {
            let documents: Vec<String> = (0..file * 7).map(|at| ingress(&format!("i-{file}-{at}"))).collect();
            (format!("{file}.yaml").into(), documents.join("---\n").into_bytes())
        })
        .collect();
    let all = parse::parse_all(&files);
    assert_eq!(all.len(), files.len());
    for ((source, text), parsed) in files.iter().zip(all) {
        assert_eq!(parsed, parse(source, text));
    }
}

#[test]
fn a_job_that_panics_costs_no_other() {
    let results = parallel::map(&[1, 2, 3], |number| match number {
        2 => panic!("two"),
        number => number * 10,
    });
    assert_eq!(results[1], None);
    assert!(results.contains(&Some(30)) || results.contains(&Some(10)));
}
