//! Rendered MachineConfigs, small and large.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

const RENDERED: &str = include_str!("rendered-machineconfig.yaml");

/// The size of a large MachineConfig, as JSON, in bytes.
pub(super) const LARGE_BYTES: usize = 700 * 1024;

/// A MachineConfig with one of everything.
pub(super) fn rendered() -> Value {
    parse(RENDERED)
}

/// The one in the file that the variable `MACHINE_CONFIG` names, or else the one above.
pub(super) fn given() -> Value {
    std::env::var("MACHINE_CONFIG").map_or_else(|_| rendered(), |path| parse(&std::fs::read_to_string(path).unwrap()))
}

fn parse(text: &str) -> Value {
    machine_os_builder::yaml::parse(text).unwrap().remove(0)
}

/// The same under another name, with one file more.
pub(super) fn rendered_as(name: &str) -> Value {
    let mut config = rendered();
    config["metadata"]["name"] = name.into();
    add_file(&mut config, "/etc/rendered-name", name.as_bytes());
    config
}

/// One of [`LARGE_BYTES`], whose files no compression makes smaller.
pub(super) fn large(name: &str) -> Value {
    const FILES: usize = 5;
    let mut config = rendered_as(name);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let room = LARGE_BYTES - config.to_string().len();
    for number in 0..FILES {
        // The overhead of a file's fields, and base64's four characters for three bytes.
        let bytes = (room / FILES - 120) / 4 * 3;
        let contents: Vec<u8> = (0..bytes).map(|_| random.random()).collect();
        add_file(&mut config, &format!("/etc/large/{number}"), &contents);
    }
    config
}

fn add_file(config: &mut Value, path: &str, contents: &[u8]) {
    let source = format!("data:;base64,{}", STANDARD.encode(contents));
    let file = json!({"path": path, "mode": 0o644, "overwrite": true, "contents": {"source": source}});
    config["spec"]["config"]["storage"]["files"].as_array_mut().unwrap().push(file);
}
