//! Prints the OpenAPI document, for `cargo xtask codegen`.

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    let printed = langley_server::openapi_json()
        .map_err(std::io::Error::from)
        .and_then(|document| std::io::stdout().lock().write_all(document.as_bytes()));
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the OpenAPI document was not printed: {error}");
            ExitCode::FAILURE
        }
    }
}
