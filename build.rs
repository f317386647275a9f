//! Tells the binary which commit it was built from, where git knows.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/refs/heads");
    let asked = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Ok(output) = asked
        && output.status.success()
    {
        println!(
            "cargo::rustc-env=ZHIDA_COMMIT={}",
            String::from_utf8_lossy(&output.stdout).trim()
        );
    }
}
