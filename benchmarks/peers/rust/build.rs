// Tells the programs what they were built from: VERSION_TOKIO, VERSION_CROSSBEAM_CHANNEL and VERSION_RUSTC.

use std::{env, fs, process::Command};

fn main() {
    let out = Command::new(env::var("RUSTC").unwrap()).arg("--version").output().expect("rustc");
    let rustc = String::from_utf8(out.stdout).unwrap();
    println!("cargo:rustc-env=VERSION_RUSTC={}", rustc.split(' ').nth(1).unwrap());

    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = fs::read_to_string("Cargo.lock").expect("Cargo.lock");
    for package in ["tokio", "crossbeam-channel"] {
        let entry = format!("name = \"{package}\"\nversion = \"");
        let version = lock.split(&entry).nth(1).unwrap().split('"').next().unwrap();
        println!("cargo:rustc-env=VERSION_{}={version}", package.to_uppercase().replace('-', "_"));
    }
}
