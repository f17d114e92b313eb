//! What deploy/ says about the ingress is true of the binary: its flags, its resource, its metrics, its manner of ending.
//!
//! Only committed files are read; deploy/check is what needs helm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use cardea_tests::client::{self, Connection, Dial, Request, http1};
use cardea_tests::ingress;
use cardea_tests::pulse::Pulse;
use cardea_tests::scenario::{self, World};
use cardea_tests::series::{self, Families};
use serde::Deserialize;
use serde_json::Value;

const MANIFESTS: [&str; 3] = ["install", "namespaced", "host-network"];

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy").join(path)
}

fn text(path: &str) -> String {
    std::fs::read_to_string(deploy(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn objects(name: &str) -> Vec<Value> {
    let text = text(&format!("manifests/{name}.yaml"));
    serde_yaml::Deserializer::from_str(&text).map(|document| Value::deserialize(document).unwrap()).collect()
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> Vec<&'a Value> {
    objects.iter().filter(|object| object["kind"] == kind).collect()
}

/// The Deployment or DaemonSet.
fn workload(objects: &[Value]) -> &Value {
    let found: Vec<_> = [of_kind(objects, "Deployment"), of_kind(objects, "DaemonSet")].concat();
    assert_eq!(found.len(), 1);
    found[0]
}

fn pod(objects: &[Value]) -> &Value {
    &workload(objects)["spec"]["template"]["spec"]
}

fn container(objects: &[Value]) -> &Value {
    &pod(objects)["containers"][0]
}

fn arguments(objects: &[Value]) -> Vec<String> {
    let arguments = container(objects)["args"].as_array().unwrap();
    arguments.iter().map(|argument| argument.as_str().unwrap().to_owned()).collect()
}

fn cardea(arguments: &[&str]) -> std::process::Output {
    let mut command = Command::new(ingress::binary().unwrap());
    // What each pod is told of itself.
    command.args(arguments).env_clear().envs([("CARDEA_POD_NAME", "cardea-0"), ("CARDEA_POD_NAMESPACE", "cardea")]);
    command.output().unwrap()
}

fn stdout(arguments: &[&str]) -> String {
    let output = cardea(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Long flags of `cardea serve`, without the dashes.
fn flags() -> BTreeSet<String> {
    let help = stdout(&["serve", "--help"]);
    let words = help
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--").or(line.trim_start().strip_prefix("-h, --")));
    let flags: BTreeSet<_> = words.map(|word| word.split([' ', '=']).next().unwrap().to_owned()).collect();
    assert!(flags.len() > 15, "{flags:?}");
    flags
}

/// The flags that the chart's templates write, and those that its schema lets a value name.
fn flags_of_chart() -> BTreeSet<String> {
    let templates = text("helm/cardea/templates/workload.yaml") + &text("helm/cardea/templates/_flags.tpl");
    let written = templates.lines().filter_map(|line| line.trim_start().strip_prefix("- --"));
    let written = written.map(|flag| flag.split(['=', ' ']).next().unwrap().to_owned());
    let variables = templates.lines().filter_map(|line| line.trim_start().strip_prefix("- name: CARDEA_"));
    let written = written.chain(variables.map(|name| name.to_lowercase().replace('_', "-")));
    let schema: Value = serde_json::from_str(&text("helm/cardea/values.schema.json")).unwrap();
    let settings = schema["properties"]["settings"]["properties"].as_object().unwrap();
    written.filter(|flag| !flag.starts_with("{{")).chain(settings.keys().cloned()).collect()
}

#[test]
fn the_chart_knows_exactly_the_flags_of_the_binary() {
    // Other sources than the cluster that the pod is in.
    let elsewhere = ["manifests", "kubeconfig", "help"].map(str::to_owned).into();
    let flags: BTreeSet<_> = flags().difference(&elsewhere).cloned().collect();
    assert_eq!(flags_of_chart(), flags);
}

#[test]
fn the_binary_takes_the_arguments_of_each_manifest() {
    for name in MANIFESTS {
        let arguments = arguments(&objects(name));
        let unusable = ["--kubeconfig=/no/such/file".to_owned()];
        let arguments: Vec<_> = arguments.iter().chain(&unusable).map(String::as_str).collect();
        let output = cardea(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        // 2 is for unusable flags; what is wrong here is the file.
        assert_eq!(output.status.code(), Some(1), "{name}: {said}");
        assert!(said.contains("/no/such/file"), "{name}: {said}");
    }
}

#[test]
fn the_custom_resource_is_the_one_that_the_binary_prints() {
    let printed = stdout(&["crd"]);
    assert_eq!(text("helm/cardea/files/policies.cardea.dev.yaml"), printed, "deploy/render writes it anew");
    let printed: Value = serde_yaml::from_str(&printed).unwrap();
    for name in ["install", "host-network"] {
        assert_eq!(of_kind(&objects(name), "CustomResourceDefinition"), [&printed], "{name}");
    }
    assert!(of_kind(&objects("namespaced"), "CustomResourceDefinition").is_empty());
}

#[test]
fn a_pod_may_do_nothing_that_serving_does_not_need() {
    for name in MANIFESTS {
        let objects = objects(name);
        let (pod, container) = (pod(&objects), container(&objects));
        let security = &container["securityContext"];
        assert_eq!(security["readOnlyRootFilesystem"], true, "{name}");
        assert_eq!(security["allowPrivilegeEscalation"], false, "{name}");
        assert_eq!(security["capabilities"]["drop"], serde_json::json!(["ALL"]), "{name}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
        let low = name == "host-network";
        assert_eq!(pod["securityContext"]["runAsNonRoot"], !low, "{name}");
        assert_eq!(pod["securityContext"]["runAsUser"], if low { 0 } else { 65532 }, "{name}");
        assert_eq!(security["capabilities"].get("add").is_some(), low, "{name}");
        assert_eq!(pod.get("hostNetwork").is_some(), low, "{name}");
        // A rule that names everything would make the others pointless.
        for role in [of_kind(&objects, "ClusterRole"), of_kind(&objects, "Role")].concat() {
            assert!(!role["rules"].to_string().contains("\"*\""), "{name}: {role}");
        }
    }
}

fn value<'a>(arguments: &'a [String], flag: &str) -> &'a str {
    arguments.iter().find_map(|argument| argument.strip_prefix(&format!("--{flag}="))).unwrap()
}

/// "30s" of `--drain-timeout=30s`.
fn seconds(arguments: &[String], flag: &str) -> u64 {
    value(arguments, flag).strip_suffix('s').unwrap().parse().unwrap()
}

/// A mounted volume belongs to root and is open to all; what is kept there is trusted only in a folder of our own.
#[tokio::test]
async fn what_is_kept_lies_in_a_folder_that_the_process_makes_in_a_volume() {
    let volume = tempfile::tempdir().unwrap();
    std::fs::set_permissions(volume.path(), std::fs::Permissions::from_mode(0o2777)).unwrap();
    for name in MANIFESTS {
        let objects = objects(name);
        let mounts: Vec<_> = container(&objects)["volumeMounts"].as_array().unwrap().iter().collect();
        for flag in ["module-cache", "snapshot"] {
            let arguments = arguments(&objects);
            let kept = Path::new(value(&arguments, flag));
            let mounted = |mount: &&&Value| kept.parent() == mount["mountPath"].as_str().map(Path::new);
            let mount = mounts.iter().find(mounted).unwrap_or_else(|| panic!("{name}: {}", kept.display()));
            let volumes = pod(&objects)["volumes"].as_array().unwrap();
            let volume = volumes.iter().find(|volume| volume["name"] == mount["name"]).unwrap();
            assert!(volume["emptyDir"]["sizeLimit"].is_string(), "{name}: {volume}");
        }
    }
    let own = volume.path().join("own").display().to_string();
    let launch = ingress::Launch { flags: vec!["--module-cache".to_owned(), own], ..ingress::Launch::default() };
    let manifests = ingress::Manifests::new().unwrap();
    ingress::Ingress::start(manifests, &launch, &Pulse::default()).await.unwrap();
}

#[test]
fn a_pod_is_given_the_time_that_it_takes_to_drain() {
    for name in MANIFESTS {
        let objects = objects(name);
        let arguments = arguments(&objects);
        let needed = seconds(&arguments, "drain-delay") + seconds(&arguments, "drain-timeout");
        let given = pod(&objects)["terminationGracePeriodSeconds"].as_u64().unwrap();
        assert!((needed + 5..=needed + 10).contains(&given), "{name}: {needed} s, {given} s given");
        // Load balancers learn that a pod is unready by failed probes: these must fit into the delay.
        let probe = &container(&objects)["readinessProbe"];
        let learnt = probe["periodSeconds"].as_u64().unwrap() * probe["failureThreshold"].as_u64().unwrap();
        assert!(learnt < seconds(&arguments, "drain-delay"), "{name}: {learnt} s");
    }
}

#[test]
fn every_name_leads_to_something_that_is_there() {
    for name in MANIFESTS {
        let objects = objects(name);
        let labels = workload(&objects)["spec"]["template"]["metadata"]["labels"].as_object().unwrap();
        let ports: BTreeSet<_> = container(&objects)["ports"]
            .as_array()
            .unwrap()
            .iter()
            .map(|port| port["name"].as_str().unwrap())
            .collect();
        let selectors = |object: &Value| match object["kind"].as_str().unwrap() {
            "Service" => object["spec"]["selector"].clone(),
            "PodDisruptionBudget" | "Deployment" | "DaemonSet" => object["spec"]["selector"]["matchLabels"].clone(),
            "NetworkPolicy" => object["spec"]["podSelector"]["matchLabels"].clone(),
            _ => Value::Null,
        };
        let mut selecting = 0;
        for selector in objects.iter().map(selectors).filter(|selector| !selector.is_null()) {
            selecting += 1;
            let selector = selector.as_object().unwrap();
            assert!(
                !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value)),
                "{name}"
            );
        }
        assert!(selecting >= 2, "{name}");
        for port in of_kind(&objects, "Service").iter().flat_map(|service| service["spec"]["ports"].as_array().unwrap())
        {
            assert!(ports.contains(port["targetPort"].as_str().unwrap()), "{name}: {port}");
        }
        let accounts = of_kind(&objects, "ServiceAccount");
        assert_eq!(accounts[0]["metadata"]["name"], pod(&objects)["serviceAccountName"], "{name}");
        for binding in [of_kind(&objects, "ClusterRoleBinding"), of_kind(&objects, "RoleBinding")].concat() {
            assert_eq!(binding["subjects"][0]["name"], accounts[0]["metadata"]["name"], "{name}");
            assert_eq!(binding["subjects"][0]["namespace"], accounts[0]["metadata"]["namespace"], "{name}");
            let role = |role: &&Value| role["metadata"]["name"] == binding["roleRef"]["name"];
            let kind = binding["roleRef"]["kind"].as_str().unwrap();
            assert!(of_kind(&objects, kind).iter().any(role), "{name}: {binding}");
        }
    }
}

/// One served request, one that a policy fails, one without a route: each family with labels then has a sample.
const TRAFFIC: &str = r#"
promise: traffic that shows in every family
backends: { shop: {} }
policies:
  mark: { module: "wat:mark", spec: { limits: { deadline: 500ms } } }
  trap: { module: "wat:trap", spec: { limits: { deadline: 500ms } } }
sites: { shop.test: { backend: shop, policies: mark }, broken.test: { backend: shop, policies: trap } }
steps: [{ promise: it is up, send: { host: shop.test }, expect: { reply: { status: 200 } } }]
"#;

async fn scraped() -> String {
    let world = World::build(&scenario::parse(TRAFFIC).unwrap()).await.unwrap();
    for (host, status) in [("shop.test", 200), ("broken.test", 503), ("nobody.test", 404)] {
        let request = Request::get(host, "/");
        let Connection::Http1(mut wire) = client::open(world.ingress.http, &Dial::default()).await.unwrap().connection
        else {
            panic!("not asked for HTTP/2");
        };
        wire.write(&http1::encode(&request)).await.unwrap();
        assert_eq!(http1::reply(&mut wire, "GET").await.unwrap().status, status, "{host}");
    }
    world.ingress.metrics().await.unwrap()
}

/// Those of the cluster source are tested with a cluster: cluster_install.rs.
#[tokio::test]
async fn dashboard_and_alerts_use_only_series_and_labels_that_exist() {
    let families = Families::of(&scraped().await).unwrap();
    let expressions = series::expressions().unwrap();
    let (other, own): (Vec<_>, Vec<_>) =
        expressions.into_iter().partition(|expression| series::needs_cluster(expression));
    assert!(own.len() > other.len() && own.len() > 20);
    for expression in own {
        families.check(&expression).unwrap();
    }
}

#[tokio::test]
async fn alerts_name_only_reasons_that_exist() {
    let page = scraped().await;
    let rules = text("helm/cardea/files/rules.yaml");
    let reasons: Vec<_> =
        rules.split("reason=~\"").skip(1).flat_map(|rest| rest.split_once('"').unwrap().0.split('|')).collect();
    assert!(reasons.len() > 5);
    for reason in reasons {
        let sample = format!("cardea_failures_total{{reason=\"{}", reason.trim_end_matches(".*"));
        assert!(page.contains(&sample), "{reason}");
    }
}
