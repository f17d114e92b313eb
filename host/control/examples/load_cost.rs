//! What it costs to load 100,000 routes from disk: `cargo run --release -p cardea-control --example load_cost`.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use cardea_control::file::FileSource;

/// As in the binary: a third of the cost is in small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FILES: usize = 10;

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{:>9} {:>6} {:>6} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "ingresses", "paths", "files", "bytes", "load", "load, cpu", "again", "edit"
    );
    for (ingresses, paths) in [(10, 1), (1_000, 100), (100_000, 1)] {
        let directory = tempfile::tempdir()?;
        let bytes = write(directory.path(), ingresses, paths)?;
        let mut source = FileSource::open(directory.path())?;
        let (start, start_cpu) = (Instant::now(), cpu()?);
        let (config, problems) = source.load();
        let (load, load_cpu) = (start.elapsed(), cpu()?.saturating_sub(start_cpu));
        assert!(problems.is_empty() && config.ingresses.len() == ingresses && config.services.len() == ingresses);
        let start = Instant::now();
        source.load();
        let again = start.elapsed();
        fs::write(directory.path().join("edit.yaml"), ingress(ingresses, 1))?;
        let start = Instant::now();
        source.wait();
        assert!(source.load().0.ingresses.len() == ingresses + 1);
        let edit = start.elapsed();
        println!(
            "{ingresses:>9} {paths:>6} {FILES:>6} {bytes:>10} {load:>10.1?} {load_cpu:>10.1?} {again:>10.1?} {edit:>10.1?}"
        );
    }
    Ok(())
}

/// Processor time of all threads so far, in Linux' ticks of a hundredth of a second.
fn cpu() -> Result<Duration, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    let ticks = fields.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    Ok(Duration::from_millis(10 * ticks))
}

/// Ingresses, and a Service for each, over a few files.
fn write(directory: &Path, ingresses: usize, paths: usize) -> Result<usize, Box<dyn Error>> {
    let mut total = 0;
    for file in 0..FILES {
        let mut text = String::new();
        for at in (0..ingresses).filter(|at| at % FILES == file) {
            text += &ingress(at, paths);
            write!(
                text,
                "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: echo-{at}\nspec:\n  ports:\n  - port: 80\n"
            )?;
        }
        total += text.len();
        fs::write(directory.join(format!("{file}.yaml")), text)?;
    }
    Ok(total)
}

fn ingress(at: usize, paths: usize) -> String {
    let mut text = format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata:\n  name: shop-{at}\n  namespace: default\n\
         spec:\n  ingressClassName: cardea\n  rules:\n  - host: shop-{at}.test\n    http:\n      paths:\n"
    );
    for path in 0..paths {
        text += &format!(
            "      - path: /part/{path}\n        pathType: Prefix\n        backend:\n          service:\n\
             \x20           name: echo-{at}\n            port:\n              number: 80\n"
        );
    }
    text
}
