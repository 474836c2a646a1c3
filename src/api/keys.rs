//! Label and annotation keys.

/// The domain of all of them, but for that of an image.
pub const DOMAIN: &str = "machineconfiguration.openshift.io";

/// Label on a MachineConfigPool that opts it in to layering; any value will do.
pub const LAYERING_ENABLED: &str = "machineconfiguration.openshift.io/layering-enabled";

/// Label on every object made for a build.
pub const BUILD_POD: &str = "machineconfiguration.openshift.io/buildPod";
/// Label on every object made for a build: the pool it is for, shortened where it does not fit.
pub const TARGET_POOL: &str = "machineconfiguration.openshift.io/targetMachineConfigPool";
/// Label on every object made for a build: the rendered config it is for, shortened where it does not fit.
pub const DESIRED_CONFIG: &str = "machineconfiguration.openshift.io/desiredConfig";
/// Annotation on every object made for a build; always empty.
pub const POOL: &str = "machineconfiguration.openshift.io/pool";
/// Annotation on every object made for a build: the hash of the inputs that it was made from.
pub const INPUT_HASH: &str = "machineconfiguration.openshift.io/build-input-hash";
/// Annotation on every object made for a build: the claim that it was made for, as the pool's build record has it.
pub const CLAIM: &str = "machineconfiguration.openshift.io/build-claim";
/// Annotation on a build object: the inputs that it was made from, as JSON.
pub const INPUTS: &str = "machineconfiguration.openshift.io/build-inputs";

/// Annotation on a pool: the image of its newest built config, by digest.
pub const NEWEST_IMAGE: &str = "machineconfiguration.openshift.io/newestImageEquivalentConfig";
/// Annotation on a pool: what was built, is being built and failed, as JSON.
pub const BUILD_RECORD: &str = "machineconfiguration.openshift.io/build-record";
/// Annotation on a pool by which a user asks for a fresh build; any value will do.
pub const REBUILD: &str = "machineconfiguration.openshift.io/rebuild";

/// Annotation on the Lease: the settings of the process that holds it, as JSON.
pub const DAEMON_SETTINGS: &str = "machineconfiguration.openshift.io/daemon-settings";
/// Annotation on the Lease: how the process that holds it is, as JSON.
pub const DAEMON_STATE: &str = "machineconfiguration.openshift.io/daemon-state";

/// Label on a Secret that this daemon derived from a legacy one.
pub const CANONICALIZED_SECRET: &str = "machineconfiguration.openshift.io/canonicalizedSecret";
/// Annotation on a canonical Secret: the name of the Secret that it was derived from.
pub const CANONICALIZED_FROM: &str = "machineconfiguration.openshift.io/canonicalizedFrom";

/// Image label: the pool that the image is for.
pub const IMAGE_POOL: &str = "io.openshift.machineconfig.pool";

/// Annotation of a build pod: the SecurityContextConstraints that OpenShift is to admit it by, and no others.
pub const REQUIRED_SCC: &str = "openshift.io/required-scc";
