//! The collector binary.

fn main() {
    let mut args = std::env::args_os().skip(1);
    let command = args.next();
    // Before anything else: it gives up privileges, which must happen while there is one thread.
    if command.as_ref().is_some_and(|command| command == hi_collector::embedded::child::SUBCOMMAND) {
        hi_collector::embedded::child_main(args);
    }
    if command.as_ref().is_some_and(|command| command == "openapi") {
        print!("{}", hi_collector::api::openapi::document().unwrap_or_default());
    }
}
