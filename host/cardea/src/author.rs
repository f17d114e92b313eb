//! The policy author's tool: what `cardea policy new|build|dev|check|inspect|run|bench|test|pack|push|pull|sign|verify` do.
//!
//! Standard output carries the answer, standard error progress and mistakes. The exit code is 0 when all is well, 1 when
//! a policy is at fault (it does not build, is refused, or breaks a promise), and 2 when the command cannot be carried out
//! as it was given.

mod new;

mod build;
mod language;
mod project;
mod sdk;

mod check;
mod inspect;
mod module;

mod bench;
mod dev;
mod pack;
mod run;
mod test;

mod pull;
mod push;
mod registry;
mod sign;

mod engine;
mod exchange;
mod mistake;
mod print;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Start a policy: a project that builds and tests.
    New(new::Args),
    /// Build policies into components, and again at each change with --watch.
    Build(build::Args),
    /// Build a policy at each change of its source, into an ingress of its own that shows each decision.
    Dev(dev::Args),
    /// The ingress of `dev`.
    #[command(hide = true)]
    DevIngress(Box<crate::settings::Flags>),
    /// Say whether the ingress would take a module, and what it may do.
    Check(check::Args),
    /// Show what a module is made of.
    Inspect(inspect::Args),
    /// Ask a module about one request, on the engine that serves traffic.
    Run(run::Args),
    /// Measure what a module costs: a call, a start, memory.
    Bench(bench::Args),
    /// Play the scenarios of policies on the engine that serves traffic.
    Test(test::Args),
    /// Put scenarios into a module, which an ingress plays before it takes it live.
    Pack(pack::Args),
    /// Put a module into a registry.
    Push(push::Args),
    /// Take a module out of a registry.
    Pull(pull::Args),
    /// Sign a module in a registry, and make keys for that.
    Sign(sign::Args),
    /// Say whether a module in a registry is signed with one of your keys.
    Verify(sign::VerifyArgs),
}

/// Whether the policy did what it should; when a command cannot even find out, it ends in a [`Mistake`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    Bad,
}

/// # Errors
/// None: mistakes are printed here, each with what to do, and end in an exit code.
pub fn run(command: Command) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::New(args) => new::run(&args),
        Command::Build(args) => build::run(&args),
        Command::Dev(args) => dev::run(&args),
        Command::DevIngress(flags) => return dev::serve(&flags),
        Command::Check(args) => check::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Pack(args) => pack::run(&args),
        Command::Push(args) => push::run(&args),
        Command::Pull(args) => pull::run(&args),
        Command::Sign(args) => sign::run(&args),
        Command::Verify(args) => sign::verify(&args),
    };
    Ok(match done {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::from(1),
        Err(mistake) => {
            print::mistake(&mistake);
            ExitCode::from(mistake.exit_code)
        }
    })
}
