//! The command that a user may run next, at the end of a message.

use crate::api::limits::CONDITION_MESSAGE_BYTES_MAX;
use crate::api::names::{BUILD_CONFIG, INPUT_CONFIG_MAPS, OS_IMAGE_URL};
use crate::api::{Key, Kind, keys};
use crate::reconcile::inputs::fault::{FaultReason, InputFault};
use crate::reconcile::pool::conditions::cut;

const NEXT: &str = "; next: ";

/// `text`, cut to what a condition has room for beside `command`, which stands at its end.
pub(super) fn with_next(text: &str, command: &str) -> String {
    let room = room_for(command);
    format!("{}{NEXT}{command}", cut(text, room))
}

/// How many bytes of a condition's message are left beside `command`.
pub(super) const fn room_for(command: &str) -> usize {
    CONDITION_MESSAGE_BYTES_MAX.saturating_sub(NEXT.len() + command.len())
}

/// Shows the whole output of a build.
pub(super) fn logs(build: &Key, namespace: &str) -> String {
    let containers = if build.kind == Kind::Pod { " --all-containers" } else { "" };
    format!("oc --namespace {namespace} logs {}{containers}", resource(build))
}

/// Shows the status and Events of a build object.
pub(super) fn describe(build: &Key, namespace: &str) -> String {
    format!("oc --namespace {namespace} describe {}", resource(build))
}

/// Asks for a fresh build of `pool`.
pub(crate) fn rebuild(pool: &str) -> String {
    format!("oc annotate {} {}=now", resource(&Key::new(Kind::MachineConfigPool, pool)), keys::REBUILD)
}

/// Shows the labels of an object, and so its owner.
pub(super) fn look_at(object: &Key, namespace: &str) -> String {
    format!("oc --namespace {namespace} get {} --show-labels", resource(object))
}

/// Shows the quota, policy or role that makes the API server refuse to write `object`, judging by its `words`.
pub(super) fn for_refusal(object: &Key, words: &str, pool: &str, namespace: &str) -> String {
    let words = words.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let pool = Key::new(Kind::MachineConfigPool, pool);
    if says(&["annotations: too long", "etcdserver: request is too large"]) {
        format!("oc get {} --output yaml", resource(&pool))
    } else if says(&["quota"]) {
        format!("oc --namespace {namespace} describe resourcequota")
    } else if says(&["podsecurity"]) {
        format!("oc get namespace {namespace} --show-labels")
    } else if says(&["webhook"]) {
        "oc get validatingwebhookconfigurations,mutatingwebhookconfigurations".to_owned()
    } else if says(&["validatingadmissionpolicy"]) {
        "oc get validatingadmissionpolicies,validatingadmissionpolicybindings".to_owned()
    } else if says(&["security context constraint"]) {
        "oc get securitycontextconstraints anyuid --output yaml".to_owned()
    } else if says(&["usage per", "limitrange"]) {
        format!("oc --namespace {namespace} describe limitrange")
    } else if says(&[
        "cannot create resource",
        "cannot patch resource",
        "cannot delete resource",
        "cannot update resource",
    ]) {
        format!("oc --namespace {namespace} get roles,rolebindings")
    } else if object.kind.is_namespaced() {
        format!("oc describe namespace {namespace}")
    } else {
        format!("oc describe {}", resource(&pool))
    }
}

/// Shows an object that is not deleted, with its finalizers.
pub(super) fn look_at_finalizers(object: &Key, namespace: &str) -> String {
    format!("oc --namespace {namespace} get {} --output yaml", resource(object))
}

/// Corrects a faulty input.
pub(super) fn mend(fault: &InputFault, namespace: &str) -> String {
    let object = &fault.object;
    let name = &object.name;
    match object.kind {
        Kind::MachineConfigPool if fault.reason == FaultReason::RecordInvalid => {
            format!("oc annotate {} {}-", resource(object), keys::BUILD_RECORD)
        }
        Kind::MachineConfigPool => format!("oc edit {}", resource(object)),
        Kind::MachineConfig if fault.is_missing => "oc get machineconfigs".to_owned(),
        Kind::MachineConfig => format!("oc get {} --output yaml", resource(object)),
        Kind::Secret if fault.is_missing => create_secret(name, namespace),
        // The type of a Secret cannot be changed.
        Kind::Secret => {
            let create = create_secret(name, namespace);
            format!("{create} --dry-run=client --output yaml | oc replace --force --filename -")
        }
        Kind::ConfigMap if fault.is_missing && INPUT_CONFIG_MAPS.contains(&name.as_str()) => {
            let values = literals(name);
            format!("oc --namespace {namespace} create configmap {name}{values}")
        }
        _ => format!("oc --namespace {namespace} edit {}", resource(object)),
    }
}

fn create_secret(name: &str, namespace: &str) -> String {
    format!(
        "oc --namespace {namespace} create secret docker-registry {name} --docker-server=HOST --docker-username=USER \
         --docker-password=PASSWORD"
    )
}

/// The keys that an input ConfigMap has to have.
fn literals(config_map: &str) -> &'static str {
    match config_map {
        BUILD_CONFIG => {
            " --from-literal=baseImagePullSecretName=NAME --from-literal=finalImagePushSecretName=NAME \
             --from-literal=finalImagePullspec=HOST/REPOSITORY"
        }
        OS_IMAGE_URL => " --from-literal=baseOSContainerImage=IMAGE --from-literal=releaseVersion=VERSION",
        _ => "",
    }
}

fn resource(object: &Key) -> String {
    format!("{}/{}", object.kind.name().to_lowercase(), object.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_stands_whole_at_the_end_however_long_the_text_is() {
        let command = "oc get machineconfigs";
        assert_eq!(with_next("it is missing", command), "it is missing; next: oc get machineconfigs");
        let long = with_next(&"ä".repeat(2000), command);
        assert!(long.len() <= CONDITION_MESSAGE_BYTES_MAX && long.len() > CONDITION_MESSAGE_BYTES_MAX - 3);
        assert!(long.ends_with("ä…; next: oc get machineconfigs"), "{long}");
    }

    #[test]
    fn each_fault_is_mended_by_a_command_about_its_object() {
        let fault = |kind, name: &str, reason, is_missing| InputFault {
            reason,
            object: Key::new(kind, name),
            key: None,
            problem: String::new(),
            fix: String::new(),
            is_missing,
        };
        for (kind, name, reason, is_missing, expected) in [
            (
                Kind::ConfigMap,
                "on-cluster-build-config",
                FaultReason::KeyMissing,
                false,
                "oc --namespace ns edit configmap/on-cluster-build-config",
            ),
            (
                Kind::ConfigMap,
                "machine-config-osimageurl",
                FaultReason::ConfigMapMissing,
                true,
                "oc --namespace ns create configmap machine-config-osimageurl --from-literal=baseOSContainerImage=IMAGE \
                 --from-literal=releaseVersion=VERSION",
            ),
            (
                Kind::Secret,
                "push",
                FaultReason::SecretMissing,
                true,
                "oc --namespace ns create secret docker-registry push --docker-server=HOST --docker-username=USER \
                 --docker-password=PASSWORD",
            ),
            (
                Kind::Secret,
                "push",
                FaultReason::SecretInvalid,
                false,
                "oc --namespace ns create secret docker-registry push --docker-server=HOST --docker-username=USER \
                 --docker-password=PASSWORD --dry-run=client --output yaml | oc replace --force --filename -",
            ),
            (Kind::MachineConfig, "rendered-1", FaultReason::MachineConfigMissing, true, "oc get machineconfigs"),
            (
                Kind::MachineConfig,
                "rendered-1",
                FaultReason::PayloadTooLarge,
                false,
                "oc get machineconfig/rendered-1 --output yaml",
            ),
            (
                Kind::MachineConfigPool,
                "worker",
                FaultReason::RecordInvalid,
                false,
                "oc annotate machineconfigpool/worker machineconfiguration.openshift.io/build-record-",
            ),
            (
                Kind::MachineConfigPool,
                "worker",
                FaultReason::MachineConfigNotRendered,
                false,
                "oc edit machineconfigpool/worker",
            ),
        ] {
            assert_eq!(mend(&fault(kind, name, reason, is_missing), "ns"), expected);
        }
    }
}
