//! Credentials must not appear outside their Secrets: a search of all outputs.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::ListParams;
use machine_os_builder::api::Kind;

use super::image::Unpacked;
use super::world::World;
use crate::real::registry::Credentials;

/// Makes sure that no credential is in any log, object or layer.
pub(super) async fn assert_nowhere(world: &World, image: Option<&Unpacked>) {
    let credentials = [&world.registry.reader, &world.registry.writer];
    let needles: Vec<String> = credentials.into_iter().flat_map(forms).collect();
    let mut texts = world.printed();
    let logs = world.logs.lock().unwrap().clone();
    assert!(!logs.is_empty(), "nobody looked at a pod's log");
    texts.extend(logs.into_values().map(|log| ("a pod's log", log)));
    for kind in [Kind::MachineConfigPool, Kind::Event, Kind::Pod, Kind::ConfigMap, Kind::MachineConfig] {
        for object in world.user.api(kind).list(&ListParams::default()).await.unwrap() {
            texts.push(("an object", serde_json::to_string(&object).unwrap()));
        }
    }
    for (place, text) in texts {
        for needle in &needles {
            assert!(!text.contains(needle), "{needle} is in {place}: {text}");
        }
    }
    if let Some(image) = image {
        search_layers(image, &needles);
    }
}

/// The ways in which credentials are written.
fn forms(credentials: &Credentials) -> Vec<String> {
    let Credentials { user, password } = credentials;
    // Without its end, which depends on what comes after.
    let encoded = STANDARD.encode(password);
    vec![password.clone(), format!("{user}:{password}"), credentials.auth(), encoded[..encoded.len() - 4].to_owned()]
}

fn search_layers(image: &Unpacked, needles: &[String]) {
    let mut command = Command::new("grep");
    command.args(["--recursive", "--fixed-strings", "--files-with-matches"]);
    for needle in needles {
        command.args(["-e", needle]);
    }
    let found = command.arg(image.directory.path()).output().unwrap();
    assert_eq!(found.status.code(), Some(1), "{}", String::from_utf8_lossy(&found.stdout));
}
