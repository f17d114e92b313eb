//! The promises about a change: seen soon, seen whole, and seen once.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use cardea_model::config::{Config, ModuleSource};
use cardea_model::problem::Problem;

use super::super::*;
use super::directory::{directory, ingresses, put};
use super::ingress;

/// Longer than any change may take on the slowest machine; only a failure waits for it.
const DEADLINE: Duration = Duration::from_secs(30);

/// A source on a thread of its own, as in the binary: every state that it published, in order.
struct Watching {
    states: Receiver<(Config, Vec<Problem>)>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

impl Watching {
    fn start(directory: &Path) -> Self {
        let mut source = FileSource::open(directory).unwrap();
        let stopper = source.stopper();
        let (send, states) = channel();
        let thread = std::thread::spawn(move || {
            loop {
                send.send(source.load()).unwrap();
                if source.wait() == Change::Stopped {
                    return;
                }
            }
        });
        let watching = Self { states, stopper, thread: Some(thread) };
        watching.next();
        watching
    }

    fn next(&self) -> (Config, Vec<Problem>) {
        self.states.recv_timeout(DEADLINE).expect("a state before the deadline")
    }

    /// Waits until exactly these Ingresses serve, and returns the states that were published on the way.
    fn until(&self, expected: &[&str]) -> Vec<(Config, Vec<Problem>)> {
        let mut seen = Vec::new();
        loop {
            seen.push(self.next());
            if seen.last().is_some_and(|(config, _)| ingresses(config) == expected) {
                return seen;
            }
        }
    }

    /// Ends the thread; returns how many states were never asked for.
    fn stop(mut self) -> usize {
        self.stopper.stop();
        self.thread.take().unwrap().join().unwrap();
        self.states.try_iter().count()
    }
}

#[test]
fn the_stopper_ends_a_wait_and_every_later_one() {
    let directory = directory(&[]);
    let mut source = FileSource::open(directory.path()).unwrap();
    source.load();
    source.stopper().stop();
    assert_eq!([source.wait(), source.wait()], [Change::Stopped; 2]);
    assert_eq!(Watching::start(directory.path()).stop(), 0);
}

#[test]
fn a_file_written_in_place_is_seen_once() {
    let directory = directory(&[("a.yaml", &ingress("a"))]);
    let watching = Watching::start(directory.path());
    put(directory.path(), "a.yaml", &ingress("b"));
    assert_eq!(watching.until(&["b"]).len(), 1);
    // A second change shows that the first was published once only.
    put(directory.path(), "a.yaml", &ingress("c"));
    assert_eq!(watching.until(&["c"]).len(), 1);
    assert_eq!(watching.stop(), 0);
}

#[test]
fn a_file_renamed_over_another_is_seen_and_its_temporary_name_is_not() {
    let directory = directory(&[("a.yaml", &ingress("a"))]);
    let watching = Watching::start(directory.path());
    put(directory.path(), ".a.yaml.tmp", &ingress("b"));
    fs::rename(directory.path().join(".a.yaml.tmp"), directory.path().join("a.yaml")).unwrap();
    assert_eq!(watching.until(&["b"]).len(), 1);
    // As vim does: move the old one away, write a new one.
    fs::rename(directory.path().join("a.yaml"), directory.path().join("a.yaml~")).unwrap();
    put(directory.path(), "a.yaml", &ingress("c"));
    let published = watching.until(&["c"]);
    assert!(published.iter().all(|(config, _)| ingresses(config) != ["b"]), "{published:?}");
    watching.stop();
}

#[test]
fn a_half_written_file_changes_nothing() {
    let directory = directory(&[("a.yaml", &(ingress("a") + "---\n" + &ingress("b")))]);
    let watching = Watching::start(directory.path());
    // Truncated, and half of the new text: each a good file on its own, with fewer objects.
    let mut file = File::create(directory.path().join("a.yaml")).unwrap();
    file.write_all(ingress("c").as_bytes()).unwrap();
    file.flush().unwrap();
    // Another file shows that the directory was looked at meanwhile.
    put(directory.path(), "z.yaml", &ingress("z"));
    let published = watching.until(&["a", "b", "z"]);
    assert_eq!(published.len(), 1);
    file.write_all(format!("---\n{}", ingress("d")).as_bytes()).unwrap();
    drop(file);
    for (config, problems) in watching.until(&["c", "d", "z"]) {
        assert!(problems.is_empty());
        assert_eq!(config.ingresses.len(), 3);
    }
    watching.stop();
}

#[test]
fn new_and_removed_folders_are_seen() {
    let directory = directory(&[]);
    let watching = Watching::start(directory.path());
    put(directory.path(), "one/two/a.yaml", &ingress("a"));
    watching.until(&["a"]);
    put(directory.path(), "one/two/b.yaml", &ingress("b"));
    watching.until(&["a", "b"]);
    fs::remove_dir_all(directory.path().join("one")).unwrap();
    watching.until(&[]);
    put(directory.path(), "one/two/c.yaml", &ingress("c"));
    watching.until(&["c"]);
    put(directory.path(), "one/two/c.yaml", &ingress("d"));
    watching.until(&["d"]);
    watching.stop();
}

#[test]
fn a_mounted_config_map_is_swapped_as_a_whole() {
    // As kubelet does: every file a link through ..data, which is renamed over.
    let directory = directory(&[("..one/a.yaml", &ingress("a1")), ("..one/b.yaml", &ingress("b1"))]);
    let root = directory.path();
    symlink("..one", root.join("..data")).unwrap();
    symlink("..data/a.yaml", root.join("a.yaml")).unwrap();
    symlink("..data/b.yaml", root.join("b.yaml")).unwrap();
    let watching = Watching::start(root);
    for (round, names) in [("two", ["a2", "b2"]), ("three", ["a3", "b3"])] {
        put(root, &format!("..{round}/a.yaml"), &ingress(names[0]));
        put(root, &format!("..{round}/b.yaml"), &ingress(names[1]));
        symlink(format!("..{round}"), root.join("..data_tmp")).unwrap();
        fs::rename(root.join("..data_tmp"), root.join("..data")).unwrap();
        assert_eq!(watching.until(&names).len(), 1);
    }
    watching.stop();
}

#[test]
fn a_linked_file_is_seen_when_its_target_is_edited() {
    let outside = directory(&[("real.yaml", &ingress("a"))]);
    let directory = directory(&[]);
    symlink(outside.path().join("real.yaml"), directory.path().join("a.yaml")).unwrap();
    let watching = Watching::start(directory.path());
    put(outside.path(), "real.yaml", &ingress("b"));
    watching.until(&["b"]);
    watching.stop();
}

#[test]
fn a_module_outside_the_directory_is_watched() {
    let modules = directory(&[("m.wasm", "one")]);
    let policy = format!(
        "apiVersion: cardea.dev/v1alpha1\nkind: Policy\nmetadata: {{name: p}}\nspec: {{module: {{file: {}/m.wasm}}}}\n",
        modules.path().display()
    );
    let directory = directory(&[("p.yaml", &policy)]);
    let watching = Watching::start(directory.path());
    for text in ["two", "three"] {
        put(modules.path(), "m.wasm", text);
        let (config, problems) = watching.next();
        assert_eq!(problems, []);
        let ModuleSource::Bytes { bytes, .. } = &config.policies[0].module else { panic!("{config:?}") };
        assert_eq!(&**bytes, text.as_bytes());
    }
    assert_eq!(watching.stop(), 0);
}

#[test]
fn a_broken_edit_is_published_as_a_problem_and_nothing_else() {
    let directory = directory(&[("a.yaml", &ingress("a"))]);
    let watching = Watching::start(directory.path());
    put(directory.path(), "a.yaml", "kind: [");
    let (config, problems) = watching.next();
    assert_eq!((ingresses(&config), problems.len()), (vec!["a"], 1));
    put(directory.path(), "a.yaml", &ingress("b"));
    let (config, problems) = watching.next();
    assert_eq!((ingresses(&config), problems.len()), (vec!["b"], 0));
    watching.stop();
}

#[test]
fn an_edit_is_declared_within_a_fraction_of_a_second() {
    let directory = directory(&[("a.yaml", &ingress("a"))]);
    let watching = Watching::start(directory.path());
    // The best of several, because other tests share the processor; the poll alone would take two seconds each.
    let mut best = DEADLINE;
    for name in ["b", "c", "d", "e", "f"] {
        let start = Instant::now();
        put(directory.path(), "a.yaml", &ingress(name));
        watching.until(&[name]);
        best = best.min(start.elapsed());
    }
    assert!(best < Duration::from_millis(200), "{best:?}");
    watching.stop();
}
