//! Whatever a file holds, reading and compiling it ends in objects and problems, and the same ones the next time.
#![no_main]

use cardea_control::file::{Object, parse};
use cardea_model::compile::{Options, compile};
use cardea_model::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &[u8]| {
    let parsed = parse("fuzz.yaml", text);
    assert_eq!(parsed, parse("fuzz.yaml", text), "the same text is the same objects");
    for problem in &parsed.problems {
        assert!(!problem.message.is_empty() && !problem.remedy.is_empty(), "{problem}");
    }
    let config = assemble(parsed.objects);
    let (first, problems) = compile(&config, &Options::default());
    assert_eq!(problems, compile(&config, &Options::default()).1);
    assert!(first.routes.iter().all(|route| !route.name.is_empty()));
});

/// Every object, its references as they are.
fn assemble(objects: Vec<Object>) -> Config {
    let mut config = Config::default();
    for object in objects {
        match object {
            Object::Class(class) => config.classes.push(class),
            Object::Ingress(ingress) => config.ingresses.push(ingress),
            Object::Service(service) => config.services.push(service),
            Object::Slice(slice) => config.slices.push(slice),
            Object::Secret(secret) => config.secrets.push(secret),
            _ => {}
        }
    }
    config
}
