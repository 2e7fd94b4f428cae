//! The program: reads the command line, calls the verb, ends with its code.

use std::panic;
use std::process::ExitCode;
use std::thread;

use clap::Parser;

use assure::exit::Exit;
use assure::inputs::Flags;
use assure::verb::cli::{Cli, CriteriaVerb, InitVerb, Verb};
use assure::verb::{Failure, Terminal, criteria, draft, explain, export, init, inventory, lint, list, plan, query, render, run};

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(code) = again_with_environment(&cli) {
        return code;
    }
    // A panic is caught where it can be lived with, and its message may hold evidence.
    panic::set_hook(Box::new(|_| {}));
    let mut terminal = Terminal::new(cli.quiet);
    let mistake =
        || Failure::new(Exit::Internal, "the program made a mistake and stopped").hint("please report the command and the version");
    // The engine plans deep statements by recursion, and some systems give the first thread little stack.
    let ended = thread::scope(|scope| {
        let worker = thread::Builder::new().stack_size(64 << 20).spawn_scoped(scope, || verb(cli.verb, &mut terminal));
        worker.map_err(Failure::from)?.join().unwrap_or_else(|_| Err(mistake()))
    });
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            terminal.always(&format!("error: {}", failure.what));
            if let Some(hint) = &failure.hint {
                terminal.always(&format!("  fix: {hint}"));
            }
            failure.exit.into()
        }
    }
}

fn verb(verb: Verb, terminal: &mut Terminal) -> Result<Exit, Failure> {
    match verb {
        Verb::Init { what: Some(InitVerb::Format { file, table, sheet, engagement }), .. } => {
            let (table, sheet) = (table.as_deref(), sheet.as_deref());
            draft::draft(&draft::Wish { file: &file, table, sheet, engagement: engagement.as_deref() }, terminal)
        }
        Verb::Init { folder, .. } => init::init(&folder.unwrap_or_default(), terminal),
        Verb::Plan { folder, out, checklists, as_of, format } => {
            let flags = Flags { out, checklists, as_of, ..Flags::default() };
            plan::plan(folder.as_deref(), &flags, format, terminal)
        }
        Verb::Inventory { folder, explain, common, format } => inventory::inventory(&folder, explain.as_deref(), &common, format, terminal),
        Verb::Run { folder, common, format, exit_zero } => run::run(&folder, &common, format, exit_zero, terminal),
        Verb::Report { run, out } => render::render(&run, &out, terminal),
        Verb::Criteria(CriteriaVerb::Import { file, engagement, by, on }) => criteria::import(&file, &engagement, &by, on, terminal),
        Verb::Criteria(CriteriaVerb::Export { engagement, file }) => criteria::export(&engagement, &file, terminal),
        Verb::Explain { id } => explain::explain(&id, terminal),
        Verb::List { what, engagement, format } => list::list(&what, engagement.as_deref(), format, terminal),
        Verb::Lint { folder } => lint::lint(folder.as_deref(), terminal),
        Verb::Query { folder, sql, common, format } => query::query(&folder, &sql, &common, format, terminal),
        Verb::Export { folder, to, common } => export::export(&folder, &to, &common, terminal),
    }
}

/// The engine takes its threads from the environment, once, when it starts: so the program starts
/// itself again with them set.
fn again_with_environment(cli: &Cli) -> Option<ExitCode> {
    const THREADS: &str = "POLARS_MAX_THREADS";
    let threads = cli.threads?.max(1).to_string();
    if std::env::var(THREADS).is_ok_and(|set| set == threads) {
        return None;
    }
    let program = std::env::current_exe().ok()?;
    let status = std::process::Command::new(program).args(std::env::args_os().skip(1)).env(THREADS, threads).status();
    let code = status.ok().and_then(|status| status.code()).and_then(|code| u8::try_from(code).ok());
    Some(ExitCode::from(code.unwrap_or_else(|| Exit::Internal.number())))
}
