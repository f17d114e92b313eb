//! Sets, appends and removes headers, of the request and of the response, from templates.

mod template;

use std::collections::BTreeMap;

use cardea_policy_sdk::{Edit, Header, Outcome, Policy, Request, Response, ResponseOutcome, Value};
use serde::Deserialize;
use template::{Scope, Template};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    #[serde(default)]
    request: Rules,
    #[serde(default)]
    response: Rules,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    #[serde(default)]
    remove: Vec<String>,
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    append: BTreeMap<String, OneOrMany>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Debug)]
pub struct HeaderRewrite {
    request: Vec<Rule>,
    response: Vec<Rule>,
    /// Some response template needs the backend's answer, so the response phase is wanted.
    needs_response: bool,
}

/// One edit to be. In the order of application: removals, then sets, then appends.
#[derive(Debug)]
enum Rule {
    Remove(String),
    Set(String, Template),
    Append(String, Template),
}

impl Policy for HeaderRewrite {
    type Config = Config;

    fn new(config: Config) -> Result<Self, String> {
        let request = rules(config.request, "config.request")?;
        let response = rules(config.response, "config.response")?;
        let about_response = |rule: &Rule| rule.template().is_some_and(Template::needs_response);
        if let Some(rule) = request.iter().find(|rule| about_response(rule)) {
            let name = rule.name();
            return Err(format!("config.request: the template of {name} names the response, which is not there yet"));
        }
        let needs_response = response.iter().any(about_response);
        Ok(HeaderRewrite { request, response, needs_response })
    }

    fn on_request(&mut self, request: &Request) -> Outcome {
        let scope = Scope { request, response: None };
        let outcome = edits(&self.request, &scope).fold(Outcome::next(), Outcome::edit);
        if self.needs_response {
            return outcome.follow_response();
        }
        edits(&self.response, &scope).fold(outcome, Outcome::response_edit)
    }

    fn on_response(&mut self, request: &Request, response: &Response, _carry: &[u8]) -> ResponseOutcome {
        let scope = Scope { request, response: Some(response) };
        edits(&self.response, &scope).fold(ResponseOutcome::keep(), ResponseOutcome::edit)
    }
}

fn edits(rules: &[Rule], scope: &Scope) -> impl Iterator<Item = Edit> {
    rules.iter().filter_map(|rule| rule.edit(scope))
}

fn rules(config: Rules, field: &str) -> Result<Vec<Rule>, String> {
    let mut rules = Vec::new();
    for name in config.remove {
        rules.push(Rule::Remove(checked_name(name, field)?));
    }
    for (name, text) in config.set {
        let template = Template::parse(&text).map_err(|error| format!("{field}.set.{name}: {error}"))?;
        rules.push(Rule::Set(checked_name(name, field)?, template));
    }
    for (name, texts) in config.append {
        let name = checked_name(name, field)?;
        for text in texts.into_vec() {
            let template = Template::parse(&text).map_err(|error| format!("{field}.append.{name}: {error}"))?;
            rules.push(Rule::Append(name.clone(), template));
        }
    }
    Ok(rules)
}

/// A token of RFC 9110, section 5.6.2, in lower case.
fn checked_name(name: String, field: &str) -> Result<String, String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("{field}: \"{name}\" is no header name"));
    }
    Ok(name.to_ascii_lowercase())
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            OneOrMany::One(text) => vec![text],
            OneOrMany::Many(texts) => texts,
        }
    }
}

impl Rule {
    fn name(&self) -> &str {
        match self {
            Rule::Remove(name) | Rule::Set(name, _) | Rule::Append(name, _) => name,
        }
    }

    fn template(&self) -> Option<&Template> {
        match self {
            Rule::Remove(_) => None,
            Rule::Set(_, template) | Rule::Append(_, template) => Some(template),
        }
    }

    /// `None` where the template names something absent that has no default.
    fn edit(&self, scope: &Scope) -> Option<Edit> {
        let header = |name: &str, template: &Template| {
            Some(Header { name: name.to_string(), value: Value(template.fill(scope)?) })
        };
        match self {
            Rule::Remove(name) => Some(Edit::Remove(name.clone())),
            Rule::Set(name, template) => header(name, template).map(Edit::Set),
            Rule::Append(name, template) => header(name, template).map(Edit::Append),
        }
    }
}

cardea_policy_sdk::export!(HeaderRewrite: response);

#[cfg(test)]
mod tests;
