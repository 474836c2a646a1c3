//! The kubelet: the fate of a build's Pod, and the image that it really pushed.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use machine_os_builder::api::{Key, Kind, names};
use serde_json::{Value, json};

use super::server::{Server, document};
use super::step::Kubelet;
use crate::harness::cluster::{digest_of, exited};

/// Digests by the UID of the Pod that pushed them.
pub(super) type Pushed = BTreeMap<String, String>;

/// Lets a kubelet act on a Pod. One that has ended stays as it ended.
pub(super) fn act(server: &mut Server, pushed: &mut Pushed, key: &Key, kubelet: Kubelet) {
    let Some(pod) = server.objects.get(key).cloned() else { return };
    let uid = pod.metadata.uid.clone().unwrap_or_default();
    let has_ended = matches!(pod.data["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    match kubelet {
        Kubelet::Bind => drop(server.edit(key, |pod| pod["spec"]["nodeName"] = json!("node-1"))),
        Kubelet::Lose => server.remove(key),
        Kubelet::End if pod.metadata.deletion_timestamp.is_some() => server.remove(key),
        Kubelet::End => {}
        _ if has_ended => {}
        Kubelet::Succeed => {
            let digest = digest_of(&uid);
            set_status(
                server,
                key,
                json!({"phase": "Succeeded", "containerStatuses": [exited("image-build", 0, &digest)]}),
            );
            pushed.insert(uid, digest);
        }
        Kubelet::SucceedQuietly { has_digest } => {
            if has_digest {
                leave_digest(server, pushed, key, uid);
            }
            set_status(server, key, json!({"phase": "Succeeded"}));
        }
        other => set_status(server, key, status_of(other)),
    }
}

fn status_of(kubelet: Kubelet) -> Value {
    match kubelet {
        Kubelet::Wait => {
            let waiting = json!({"reason": "ImagePullBackOff", "message": "no such image"});
            json!({"phase": "Pending", "containerStatuses": [{"name": "image-build", "state": {"waiting": waiting}}]})
        }
        Kubelet::Start => json!({"phase": "Running"}),
        Kubelet::Exit(code) => json!({"phase": "Failed", "containerStatuses": [exited("image-build", code, "words")]}),
        Kubelet::Evict => json!({"phase": "Failed", "reason": "Evicted", "message": "disk pressure"}),
        _ => json!({"phase": "Failed"}),
    }
}

fn set_status(server: &mut Server, key: &Key, status: Value) {
    server.edit(key, |pod| pod["status"] = status);
}

/// `oc create` of the manifest that the Pod was given: what is there already stays. A build takes its time, before and
/// after, so no digest is as old as its Pod.
fn leave_digest(server: &mut Server, pushed: &mut Pushed, key: &Key, uid: String) {
    let containers = server.objects[key].data["spec"]["containers"].clone();
    let values =
        containers.as_array().into_iter().flatten().flat_map(|container| container["env"].as_array()).flatten();
    let manifest = values.into_iter().find(|value| value["name"] == "DIGEST_MANIFEST");
    let Some(manifest) = manifest.and_then(|value| value["value"].as_str()) else { return };
    server.now += SignedDuration::from_secs(2);
    let digest = digest_of(&uid);
    let name = names::digest(names::rendered_of(&key.name).unwrap_or_default());
    let document = serde_json::from_str(&manifest.replace("@DIGEST@", &digest)).unwrap();
    if server.create(&Key::new(Kind::ConfigMap, &name), document).is_ok() {
        pushed.insert(uid, digest);
    }
    server.now += SignedDuration::from_secs(2);
}

/// The Pods with the labels of builds, oldest first.
pub(super) fn build_pods(server: &Server) -> Vec<Key> {
    let mut pods: Vec<_> = server
        .objects
        .iter()
        .filter(|(key, object)| key.kind == Kind::Pod && super::laws::is_ours(object))
        .map(|(key, object)| (object.metadata.creation_timestamp.clone(), key.clone()))
        .collect();
    pods.sort();
    pods.into_iter().map(|(_, key)| key).collect()
}

/// Ends every deleted Pod.
pub(super) fn end_what_was_told_to(server: &mut Server) {
    for key in build_pods(server) {
        act(server, &mut Pushed::new(), &key, Kubelet::End);
    }
}

/// Whether a Pod is there and was not told to end.
pub(super) fn is_live(server: &Server, key: &Key) -> bool {
    server.objects.get(key).is_some_and(|pod| document(pod)["metadata"]["deletionTimestamp"].is_null())
}
