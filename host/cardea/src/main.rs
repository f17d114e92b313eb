//! `cardea`: an ingress whose routing policy is WebAssembly.

mod admin;
mod admission;
mod author;
mod check;
mod control;
mod echo;
mod event;
mod reload;
mod report;
mod scenario;
mod serve;
mod settings;
mod shutdown;
mod source;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A Kubernetes ingress whose routing policy is WebAssembly.
#[derive(Parser)]
#[command(version, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the Ingresses of a cluster, or of a directory of manifests.
    Serve(Box<settings::Flags>),
    /// Write, build, check and test policies.
    #[command(subcommand)]
    Policy(author::Command),
    /// Say whether manifests would be admitted and served, as the webhook of a cluster would.
    Check(check::Args),
    /// Run a demo backend that answers with what it was asked.
    Echo(echo::Flags),
    /// Print the CustomResourceDefinition of Policy as YAML.
    Crd,
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(flags) => settings::Checked::from_flags(&flags).map_or_else(
            |unusable| {
                eprintln!("cardea: {unusable}");
                Ok(ExitCode::from(2))
            },
            |checked| {
                let _last_words = event::serve()?;
                serve::run(checked).inspect_err(|error| {
                    event::emit(event::Level::Error, "failed", serde_json::json!({ "message": format!("{error:#}") }))
                })
            },
        ),
        Command::Policy(command) => author::run(command),
        Command::Check(args) => check::run(&args),
        Command::Echo(flags) => echo::run(&flags),
        Command::Crd => print_crd(),
    };
    done.unwrap_or_else(|error| {
        eprintln!("cardea: {error:#}");
        ExitCode::FAILURE
    })
}

fn print_crd() -> anyhow::Result<ExitCode> {
    print!("{}", cardea_control::kube::policy::crd_yaml()?);
    Ok(ExitCode::SUCCESS)
}
