//! What the authoriser says of the shipped service accounts: `cluster/rbac.yaml`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use cardea_tests::plane::api::{self, Api};
use cardea_tests::plane::shipped;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{STORED, apply};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    manifest: String,
    account: String,
    allowed: Vec<String>,
    refused: Vec<String>,
}

/// "list ingresses.networking.k8s.io/status in shop named one", as the authoriser is asked.
fn attributes(question: &str) -> Result<Value> {
    let words: Vec<&str> = question.split(' ').collect();
    let [verb, what, places @ ..] = words.as_slice() else { anyhow::bail!("{question}") };
    let (kind, subresource) = what.split_once('/').unwrap_or((what, ""));
    let (resource, group) = kind.split_once('.').unwrap_or((kind, ""));
    let mut asked: BTreeMap<&str, &str> =
        [("verb", *verb), ("resource", resource), ("group", group), ("subresource", subresource)].into();
    for pair in places.chunks(2) {
        match pair {
            ["in", namespace] => asked.insert("namespace", namespace),
            ["named", name] => asked.insert("name", name),
            _ => anyhow::bail!("{question}"),
        };
    }
    Ok(json!(asked))
}

async fn is_allowed(api: &Api, account: &str, question: &str) -> Result<bool> {
    let (namespace, name) = account.split_once('/').context("an account without a namespace")?;
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": {
            "user": format!("system:serviceaccount:{namespace}:{name}"),
            "groups": ["system:serviceaccounts", format!("system:serviceaccounts:{namespace}"), "system:authenticated"],
            "resourceAttributes": attributes(question)?,
        },
    });
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let answer = api.send(Method::POST, path, "application/json", &review).await?;
    answer["status"]["allowed"].as_bool().context("no answer")
}

/// Removes what a manifest grants, so that the next one is judged by itself.
pub async fn withdraw(api: &Api, name: &str) -> Result<()> {
    for object in
        shipped(name)?.iter().filter(|object| object["kind"].as_str().is_some_and(|kind| kind.contains("Role")))
    {
        api.send(Method::DELETE, &api::path(object)?, "application/json", &Value::Null).await?;
    }
    Ok(())
}

pub async fn the_authoriser_grants_this_and_no_more(api: &Api) -> Result<()> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("cluster/rbac.yaml"))?;
    let cases: Vec<Case> = serde_yaml::from_str(&text)?;
    let mut wrong = Vec::new();
    for case in &cases {
        for object in
            shipped(&case.manifest)?.iter().filter(|object| STORED.contains(&object["kind"].as_str().unwrap()))
        {
            apply(api, object).await?;
        }
        for (questions, expected) in [(&case.allowed, true), (&case.refused, false)] {
            for question in questions {
                if is_allowed(api, &case.account, question).await? != expected {
                    wrong.push(format!("{}: {question}: should be {expected}", case.manifest));
                }
            }
        }
        withdraw(api, &case.manifest).await?;
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
