//! What a new version of a module changes for those who run the old one.

use std::sync::Arc;

use super::Finding;
use crate::author::mistake::Mistake;
use crate::author::module::{Module, Shape};
use crate::author::print;
use crate::scenario::vectors;

/// What needs somebody's attention; what does not is printed as a note.
pub fn findings(previous: &Module, module: &Module) -> Result<Vec<Finding>, Mistake> {
    let (old, new) = (shape(previous)?, shape(module)?);
    let mut findings = of_shapes(&old, &new);
    for note in notes(&old, &new, previous.bytes.len(), module.bytes.len()) {
        print::line(format!("  note: {note}"));
    }
    findings.extend(promises(previous, module)?);
    Ok(findings)
}

fn shape(module: &Module) -> Result<Shape, Mistake> {
    Shape::of_any(&module.bytes).ok_or_else(|| {
        let what = format!("{} is not Wasm, or is cut short", module.path.display());
        Mistake::policy(what, "name two versions of one module")
    })
}

pub fn of_shapes(old: &Shape, new: &Shape) -> Vec<Finding> {
    let mut findings = Vec::new();
    if old.abi() != new.abi() {
        let (old, new) = (old.abi().unwrap_or("unknown"), new.abi().unwrap_or("unknown"));
        findings.push(Finding::new(
            format!("breaking: the ABI was {old}, and is {new}"),
            "name two versions of one module",
        ));
        return findings;
    }
    let wants = old.capabilities();
    for name in new.capabilities().into_iter().filter(|name| !wants.contains(name)) {
        let remedy = format!("say so in the release notes: a Policy must grant `{name}` before it takes this version");
        findings
            .push(Finding::new(format!("breaking: it imports `{name}`, which the previous version does not"), remedy));
    }
    let hears = new.phases();
    for phase in old.phases().into_iter().filter(|phase| !hears.contains(phase)) {
        let remedy = "keep the phase, or say in the release notes what is no longer done there";
        findings.push(Finding::new(format!("breaking: it no longer has {phase}"), remedy));
    }
    let newest = |shape: &Shape| shape.versions().into_iter().filter_map(numbers).max();
    if let (Some(before), Some(now)) = (newest(old), newest(new))
        && (before.0, before.1) != (now.0, now.1)
    {
        let remedy = "say in the release notes which version of the ingress it needs";
        let what =
            format!("breaking: it was built against the interfaces {}, and is against {}", text(before), text(now));
        findings.push(Finding::new(what, remedy));
    }
    findings
}

/// Harmless, and good to know.
fn notes(old: &Shape, new: &Shape, old_bytes: usize, new_bytes: usize) -> Vec<String> {
    let mut notes =
        vec![format!("{} bytes, before {}", print::number(new_bytes as u64), print::number(old_bytes as u64))];
    let wants = new.capabilities();
    notes.extend(
        old.capabilities()
            .iter()
            .filter(|name| !wants.contains(name))
            .map(|name| format!("it no longer imports `{name}`: the grant can go")),
    );
    let heard = old.phases();
    notes
        .extend(new.phases().iter().filter(|phase| !heard.contains(phase)).map(|phase| format!("new: it has {phase}")));
    let (before, now) = (old.versions(), new.versions());
    if before != now {
        let list = |versions: std::collections::BTreeSet<&str>| versions.into_iter().collect::<Vec<_>>().join(", ");
        notes.push(format!("built against the interfaces {}, before {}", list(now), list(before)));
    }
    notes
}

/// The promises that the previous version brought, asked of the new one: its configs must still be taken, and its decisions stay.
fn promises(previous: &Module, module: &Module) -> Result<Vec<Finding>, Mistake> {
    let Some(scenarios) = vectors::section(&previous.bytes).and_then(|section| std::str::from_utf8(section).ok())
    else {
        return Ok(Vec::new());
    };
    let Ok(scenarios) = crate::scenario::read(scenarios) else { return Ok(Vec::new()) };
    let scripted = crate::author::engine::scripted()?;
    let bytes: Arc<[u8]> = Arc::from(module.bytes.as_slice());
    let mut findings = Vec::new();
    for case in &scenarios.cases {
        let broken = match scenarios.play(case, &scripted, &module.path, &bytes) {
            Ok(broken) => broken.into_iter().next(),
            // The loader has told it, or a new import has.
            Err(_) => return Ok(findings),
        };
        if let Some(broken) = broken {
            let what = format!("breaking: the previous version promises \"{}\": {broken}", case.promise);
            findings.push(Finding::new(what, "keep the promise, or say in the release notes that it is gone"));
        }
    }
    Ok(findings)
}

/// `0.1.2`
fn numbers(version: &str) -> Option<(u32, u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

fn text((major, minor, patch): (u32, u32, u32)) -> String {
    format!("{major}.{minor}.{patch}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(imports: &[&str], exports: &[&str]) -> Shape {
        let names = |names: &[&str]| names.iter().map(|name| format!("cardea:policy/{name}")).collect();
        Shape { imports: names(imports), exports: names(exports), is_component: true, ..Shape::default() }
    }

    #[test]
    fn what_an_operator_must_act_on_is_breaking_and_the_rest_is_not() {
        let old = shape(&["exchange@0.1.0", "clock@0.1.0"], &["on-request@0.1.0", "on-response@0.1.0"]);
        let more = shape(&["exchange@0.1.1"], &["on-request@0.1.1", "on-response@0.1.1", "on-complete@0.1.1"]);
        assert_eq!(of_shapes(&old, &more), [], "fewer imports, more phases, a newer patch");
        let told = notes(&old, &more, 10, 20).join("\n");
        for part in ["no longer imports `clock`", "it has on-complete", "0.1.1, before 0.1.0", "20 bytes, before 10"] {
            assert!(told.contains(part), "{part}: {told}");
        }
        let other = shape(&["exchange@0.2.0", "kv-local@0.2.0", "clock@0.2.0"], &["on-request@0.2.0"]);
        let found: Vec<String> = of_shapes(&old, &other).into_iter().map(|finding| finding.what).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        for (found, part) in found.iter().zip(["`kv-local`", "on-response", "0.1.0, and is against 0.2.0"]) {
            assert!(found.contains(part), "{found}");
        }
        let foreign = Shape { exports: vec!["proxy_abi_version_0_2_1".into()], ..Shape::default() };
        assert!(of_shapes(&old, &foreign).first().is_some_and(|finding| finding.what.contains("proxy-wasm")));
    }
}
