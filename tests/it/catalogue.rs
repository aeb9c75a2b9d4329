//! The catalogue agrees with the type declarations of the releases that the tests install.

use std::process::Command;

use crate::npm;
use crate::support::top;

#[test]
fn the_catalogue_is_what_the_releases_declare() {
    let modules = npm::home().join("node_modules");
    let output = Command::new("node")
        .arg(top().join("catalogue/verify.mjs"))
        .args(["cdk-oldest", "aws-cdk-lib", "cdk-newest"].map(|name| modules.join(name)))
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
}
