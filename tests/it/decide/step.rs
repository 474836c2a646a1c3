//! The steps that may happen to a pool: of users, other controllers, the kubelet, the daemon itself, and of time.

use proptest::prelude::*;

/// The rendered configs that a pool may want; the last two are none.
pub(super) const CONFIGS: [&str; 4] = ["rendered-worker-1", "rendered-worker-2", "worker-3", ""];

/// An object of another client with one of the daemon's names or labels.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stray {
    /// A Pod of the build's name, without labels.
    ForeignPod,
    /// A ConfigMap of the payload's name, without labels.
    ForeignConfigMap,
    /// A ConfigMap of the Containerfile's name, with our labels and no hash.
    StaleConfigMap,
    /// A ConfigMap with our labels and a name of its own.
    LabelledConfigMap,
    /// A Pod of the build's name, with our labels and no hash.
    StalePod,
    /// A digest that no build left.
    Digest,
}

/// An action of the kubelet on a build's Pod.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kubelet {
    /// The Pod is put on a node: from here on it takes its time to end.
    Bind,
    Wait,
    Start,
    Succeed,
    /// Exits 0 without a termination message; with a digest left in a ConfigMap, or without.
    SucceedQuietly {
        has_digest: bool,
    },
    Exit(i32),
    FailBarely,
    Evict,
    /// The Pod is gone at once, without a deletion request.
    Lose,
    /// The Pod was told to end, and does.
    End,
}

#[derive(Debug, Clone)]
pub(super) enum Step {
    // The daemon.
    Work(usize),
    WorkAndLoseTheAnswer(usize),
    Rest,
    Restart,
    Blind(bool),
    Deaf(bool),
    Late(bool),
    Answer { which: usize, is_twice: bool },
    Full(bool),
    Forbidden(bool),
    // Users.
    OptIn(bool),
    Want(&'static str),
    Rebuild,
    Edit(&'static str, &'static str, Option<&'static str>),
    Remove(&'static str),
    Return(&'static str),
    LegacyPushSecret,
    BigConfig(&'static str, bool),
    DropImage,
    DropRecord,
    DeletePool { is_held: bool },
    ReturnPool,
    // Neighbours.
    Condition(&'static str, bool),
    WriteStatus(u8),
    Annotate(u8),
    Put(Stray, &'static str),
    TakeStrays,
    HoldConfigMaps(bool),
    // The kubelet, of the first or of another Pod.
    Pod(usize, Kubelet),
    // Time.
    Pass(i64),
}

fn edit() -> impl Strategy<Value = Step> {
    const IMAGES: &str = "machine-config-osimageurl";
    const CONFIG: &str = "on-cluster-build-config";
    let texts = |values: &'static [&'static str]| prop::sample::select(values).prop_map(Some);
    prop_oneof![
        texts(&["registry.test/os:9", "registry.test/os:10", ""]).prop_map(|v| (IMAGES, "baseOSContainerImage", v)),
        prop::option::of(prop::sample::select(&["registry.test/ext:9", "registry.test/ext:10"][..])).prop_map(|v| (
            IMAGES,
            "baseOSExtensionsContainerImage",
            v
        )),
        texts(&["4.16.0", "4.17.0", "4\nRUN evil"]).prop_map(|v| (IMAGES, "releaseVersion", v)),
        texts(&["", "ignored"]).prop_map(|v| (IMAGES, "osImageURL", v)),
        texts(&["registry.test/org/os:a", "registry.test/org/os:b", "registry.test/other/os", "typo"]).prop_map(|v| (
            CONFIG,
            "finalImagePullspec",
            v
        )),
        prop::option::of(prop::sample::select(&["RUN one", "RUN two"][..])).prop_map(|v| (
            "on-cluster-build-custom-dockerfile",
            super::POOL,
            v
        )),
    ]
    .prop_map(|(map, key, value)| Step::Edit(map, key, value))
}

fn kubelet() -> impl Strategy<Value = Step> {
    let act = prop_oneof![
        3 => Just(Kubelet::Bind),
        1 => Just(Kubelet::Wait),
        4 => Just(Kubelet::Start),
        4 => Just(Kubelet::Succeed),
        2 => any::<bool>().prop_map(|has_digest| Kubelet::SucceedQuietly { has_digest }),
        3 => prop::sample::select(&[10, 20, 30, 31, 40, 41, 137][..]).prop_map(Kubelet::Exit),
        1 => Just(Kubelet::FailBarely),
        2 => Just(Kubelet::Evict),
        2 => Just(Kubelet::Lose),
        3 => Just(Kubelet::End),
    ];
    (0..2usize, act).prop_map(|(which, act)| Step::Pod(which, act))
}

fn daemon() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..8usize).prop_map(Step::Work),
        3 => (1..8usize).prop_map(Step::WorkAndLoseTheAnswer),
        8 => Just(Step::Rest),
        2 => Just(Step::Restart),
        3 => any::<bool>().prop_map(Step::Blind),
        1 => any::<bool>().prop_map(Step::Deaf),
        1 => any::<bool>().prop_map(Step::Full),
        1 => any::<bool>().prop_map(Step::Forbidden),
    ]
}

fn user() -> impl Strategy<Value = Step> {
    const INPUTS: [&str; 6] =
        ["machine-config-osimageurl", "on-cluster-build-config", "pull", "push", CONFIGS[0], CONFIGS[1]];
    prop_oneof![
        2 => prop::bool::weighted(0.6).prop_map(Step::OptIn),
        4 => prop_oneof![9 => Just(CONFIGS[0]), 9 => Just(CONFIGS[1]), 1 => Just(CONFIGS[2]), 1 => Just(CONFIGS[3])]
            .prop_map(Step::Want),
        2 => Just(Step::Rebuild),
        4 => edit(),
        2 => prop::sample::select(&INPUTS[..]).prop_map(Step::Remove),
        3 => prop::sample::select(&INPUTS[..]).prop_map(Step::Return),
        1 => Just(Step::LegacyPushSecret),
        1 => (prop::sample::select(&CONFIGS[..2]), any::<bool>()).prop_map(|(name, is)| Step::BigConfig(name, is)),
        1 => Just(Step::DropImage),
        1 => Just(Step::DropRecord),
        1 => any::<bool>().prop_map(|is_held| Step::DeletePool { is_held }),
        2 => Just(Step::ReturnPool),
    ]
}

fn neighbour() -> impl Strategy<Value = Step> {
    use Stray::{Digest, ForeignConfigMap, ForeignPod, LabelledConfigMap, StaleConfigMap, StalePod};
    let stray = [ForeignPod, ForeignConfigMap, StaleConfigMap, LabelledConfigMap, StalePod, Digest];
    let degraded = prop::sample::select(&["Degraded", "NodeDegraded", "RenderDegraded"][..]);
    prop_oneof![
        3 => (degraded, prop::bool::weighted(0.4)).prop_map(|(type_, is)| Step::Condition(type_, is)),
        1 => any::<u8>().prop_map(Step::WriteStatus),
        1 => any::<u8>().prop_map(Step::Annotate),
        2 => (prop::sample::select(stray.to_vec()), prop::sample::select(&CONFIGS[..2]))
            .prop_map(|(stray, config)| Step::Put(stray, config)),
        2 => Just(Step::TakeStrays),
        1 => any::<bool>().prop_map(Step::HoldConfigMaps),
    ]
}

/// One step.
pub(super) fn step() -> impl Strategy<Value = Step> {
    let time = prop::sample::select(&[1i64, 20, 61, 75, 601, 4000][..]).prop_map(Step::Pass);
    prop_oneof![5 => daemon(), 5 => user(), 3 => neighbour(), 5 => kubelet(), 2 => time]
}

/// A step after which a pool's inputs are what they were.
pub(super) fn idle_step() -> impl Strategy<Value = Step> {
    let tag = prop::sample::select(&["registry.test/org/os:a", "registry.test/org/os:b"][..]);
    prop_oneof![
        4 => daemon(),
        1 => tag.prop_map(|text| Step::Edit("on-cluster-build-config", "finalImagePullspec", Some(text))),
        1 => Just(Step::Edit("machine-config-osimageurl", "osImageURL", Some("elsewhere"))),
        1 => Just(Step::LegacyPushSecret),
        1 => Just(Step::Remove("push")),
        1 => Just(Step::Return("push")),
        1 => Just(Step::Edit("machine-config-osimageurl", "releaseVersion", Some("4\nRUN evil"))),
        1 => Just(Step::Edit("machine-config-osimageurl", "releaseVersion", Some("4.16.0"))),
        3 => neighbour(),
        2 => Just(Step::Pass(601)),
    ]
}
