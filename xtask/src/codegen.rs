//! The chain from the server's types to the dashboard's: OpenAPI document, then TypeScript.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, bail};

use crate::provision;
use crate::run::run;
use crate::workspace::{cargo, npm, root, web};

/// Writes `web/openapi.json` and `web/src/api/schema.d.ts`, or with `check` compares them.
pub(crate) fn codegen(check: bool) -> Result<()> {
    provision::packages()?;
    let document = document()?;
    let home = tempfile::tempdir().context("no temporary folder")?;
    let fresh = home.path().join("openapi.json");
    fs::write(&fresh, &document)?;
    let types = home.path().join("schema.d.ts");
    let mut command = npm();
    command.args(["exec", "--", "openapi-typescript"]).arg(&fresh).arg("--output").arg(&types);
    let ran = run(command)?;
    if !ran.ok {
        bail!("openapi-typescript failed");
    }
    settle(check, &document, &web().join("openapi.json"))?;
    let types = fs::read_to_string(&types).context("openapi-typescript wrote nothing")?;
    settle(check, &types, &web().join("src/api/schema.d.ts"))
}

/// The document as the server states it; built without the dashboard, which needs its result.
fn document() -> Result<String> {
    let output = cargo()
        .args(["run", "--quiet", "--package", "langley-server", "--no-default-features"])
        .args(["--example", "openapi"])
        .stderr(Stdio::inherit())
        .output()
        .context("cargo could not be started")?;
    if !output.status.success() {
        bail!("the server's openapi example failed");
    }
    let text = String::from_utf8(output.stdout).context("the document is not UTF-8")?;
    let _: serde_json::Value = serde_json::from_str(&text).context("the document is not JSON")?;
    Ok(if text.ends_with('\n') { text } else { text + "\n" })
}

fn settle(check: bool, fresh: &str, path: &Path) -> Result<()> {
    let old = fs::read_to_string(path).unwrap_or_default();
    if old == fresh {
        return Ok(());
    }
    let name = path.strip_prefix(root()).unwrap_or(path).display();
    if check {
        bail!("{name} is stale; run `cargo xtask codegen` and commit the result");
    }
    fs::write(path, fresh).with_context(|| format!("{name} could not be written"))?;
    println!("wrote {name}");
    Ok(())
}
