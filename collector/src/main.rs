//! The collector binary.

fn main() {
    if std::env::args().nth(1).as_deref() == Some("openapi") {
        print!("{}", hi_collector::api::openapi::document().unwrap_or_default());
    }
}
