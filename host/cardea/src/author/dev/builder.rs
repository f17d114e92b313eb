//! Builds the project, and again at each change of its source, on a thread of its own.

use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use super::News;
use crate::author::build::{self, Watch};
use crate::author::mistake::Mistake;
use crate::author::project::Project;

#[derive(Debug)]
pub struct Built {
    pub name: String,
    pub bytes: Vec<u8>,
    pub took: Duration,
}

/// The thread ends with the process, or when nobody listens.
pub fn start(project: Project, tell: Sender<News>) -> Result<(), Mistake> {
    build::KEEP_LINES.store(true, Ordering::Relaxed);
    // Before the first build, so that an edit during it is not missed.
    let mut watch = Watch::start(std::slice::from_ref(&project))?;
    let build = move || {
        let mut heard = tell.send(News::Built(one(&project)));
        while heard.is_ok() && watch.wait() {
            heard = tell.send(News::Changed).and_then(|()| tell.send(News::Built(one(&project))));
        }
    };
    let thread = std::thread::Builder::new().name("builder".into()).spawn(build);
    thread.map_err(|error| Mistake::usage(format!("no thread for the builds: {error}"), "try again")).map(|_| ())
}

fn one(project: &Project) -> Result<Built, Mistake> {
    let start = Instant::now();
    let mut components = build::components(project)?;
    match (components.pop(), components.len()) {
        (Some(component), 0) => Ok(Built { name: component.package, bytes: component.bytes, took: start.elapsed() }),
        _ => {
            let what = format!("{} builds several policies", project.folder.display());
            Err(Mistake::usage(what, "name the folder of one of them"))
        }
    }
}
