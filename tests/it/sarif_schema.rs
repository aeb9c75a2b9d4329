//! The SARIF that `snapshots/report/sarif.snap` pins is valid against the published schema, as
//! shipped in `@microsoft/jest-sarif`, which `tests/npm` installs.

use std::path::Path;
use std::process::Command;

/// Validates the snapshot's text; the schema is of draft 04, which `ajv` knows on request.
const PROGRAM: &str = r#"
const [home, file] = process.argv.slice(1);
const { createRequire } = require("module");
const package = createRequire(home + "/package.json").resolve("@microsoft/jest-sarif/package.json");
const needs = createRequire(package);
const Ajv = needs("ajv");
const ajv = new Ajv({ schemaId: "auto", allErrors: true });
ajv.addMetaSchema(needs("ajv/lib/refs/json-schema-draft-04.json"));
const snapshot = require("fs").readFileSync(file, "utf8");
const log = JSON.parse(snapshot.slice(snapshot.indexOf("\n---\n") + 5));
const validate = ajv.compile(needs("./lib/schemas/sarif-2.1.0-rtm.5.json"));
if (!validate(log)) { console.error(ajv.errorsText(validate.errors, { separator: "\n" })); process.exit(1); }
if (log.runs[0].results.length < 5) { console.error("nothing was validated"); process.exit(1); }
"#;

#[test]
fn the_log_is_valid() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = top.join("tests/npm");
    if !home.join("node_modules/@microsoft/jest-sarif").exists() {
        println!("not run: `npm ci` in tests/npm installs the schema");
        return;
    }
    let output = Command::new("node")
        .args(["-e", PROGRAM])
        .args([&home, &top.join("snapshots/report/sarif.snap")])
        .output()
        .expect("node runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
