//! Objects that carry the daemon's names, labels and annotations, and that the daemon did not create: forgeries or
//! leftovers. They are untrusted input.
//!
//! `laws` defines the laws that each effect must obey; this module generates the objects that try them.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use machine_os_builder::api::{Key, Kind, Object, Pool, keys, names};
use machine_os_builder::reconcile::inputs::build_inputs::BuildInputs;
use machine_os_builder::reconcile::inputs::image_builder::ImageBuilder;
use machine_os_builder::reconcile::objects;
use machine_os_builder::reconcile::pool::record::BuildRecord;
use serde_json::{Value, json};

use super::POOL;
use super::daemon::Fate;
use super::properties::{config, traced};
use super::rest::wanted;
use super::step::{CONFIGS, Step, step};
use super::users;
use super::world::{Progress, World};
use crate::harness::cluster::{config_map, digest_of};

/// The annotation with the nonce of the attempt that an object was made by.
const CLAIM: &str = "machineconfiguration.openshift.io/build-claim";

/// How a value of a forged object compares with that of the object that the daemon makes, or would make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    Missing,
    Right,
    Wrong,
    Garbage,
}

/// An object that another client creates.
#[derive(Debug, Clone)]
struct Forgery {
    kind: Kind,
    /// The prefix of its name.
    prefix: &'static str,
    config: &'static str,
    labels: [Likeness; 3],
    hash: Likeness,
    inputs: Likeness,
    claim: Likeness,
    is_owned: bool,
    is_leaving: bool,
    status: Value,
}

/// A random action.
#[derive(Debug, Clone)]
enum Act {
    Step(Step),
    Forge(Box<Forgery>),
}

fn likeness() -> impl Strategy<Value = Likeness> + Clone {
    prop_oneof![1 => Just(Likeness::Missing), 6 => Just(Likeness::Right), 1 => Just(Likeness::Wrong), 1 => Just(Likeness::Garbage)]
}

fn forgery() -> impl Strategy<Value = Forgery> {
    let kind =
        prop::sample::select(&[Kind::Pod, Kind::Pod, Kind::Build, Kind::ConfigMap, Kind::ConfigMap, Kind::Secret][..]);
    let prefix = prop::sample::select(&["build-", "build-", "mc-", "dockerfile-", "digest-", "other-", ""][..]);
    let config = prop::sample::select(
        &["rendered-worker-1", "rendered-worker-1", "rendered-worker-2", "rendered-infra-1", "x"][..],
    );
    let flags = (prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    (kind, prefix, config, [likeness(), likeness(), likeness()], likeness(), likeness(), likeness(), flags, status())
        .prop_map(|(kind, prefix, config, labels, hash, inputs, claim, (is_owned, is_leaving), status)| {
            // A complete copy is indistinguishable from the object of that attempt.
            let is_whole = labels == [Likeness::Right; 3] && hash == Likeness::Right && claim == Likeness::Right;
            let claim = if is_whole { Likeness::Wrong } else { claim };
            Forgery { kind, prefix, config, labels, hash, inputs, claim, is_owned, is_leaving, status }
        })
}

/// A status of a build that has pushed, of one that says so of itself only, or of any shape.
fn status() -> impl Strategy<Value = Value> {
    let ended = |container: &'static str| {
        let end = json!({"exitCode": 0, "message": digest_of("forged")});
        json!({"phase": "Succeeded", "containerStatuses": [{"name": container, "state": {"terminated": end}}]})
    };
    prop_oneof![
        2 => Just(ended("image-build")),
        2 => Just(ended("image-push")),
        1 => Just(json!({"phase": "Complete", "output": {"to": {"imageDigest": digest_of("forged")}}})),
        1 => Just(json!({"phase": "Succeeded"})),
        1 => Just(json!({"phase": "Failed", "reason": "Evicted"})),
        1 => Just(json!({"phase": "Failed", "reason": "DockerBuildFailed", "message": "no"})),
        1 => Just(Value::Null),
        4 => anything(),
    ]
}

/// Any document, of the words that statuses are made of.
fn anything() -> impl Strategy<Value = Value> {
    const WORDS: [&str; 16] = [
        "phase",
        "reason",
        "message",
        "containerStatuses",
        "initContainerStatuses",
        "name",
        "image-build",
        "image-push",
        "state",
        "terminated",
        "waiting",
        "exitCode",
        "conditions",
        "Failed",
        "DisruptionTarget",
        "status",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(&WORDS[..]).prop_map(Value::from),
        Just(json!(digest_of("forged"))),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let fields = prop::collection::vec((prop::sample::select(&WORDS[..]), inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            fields.prop_map(|fields| fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect::<Value>()),
        ]
    })
}

impl Forgery {
    /// Puts it into the cluster, where there is nothing of its name.
    fn put(&self, world: &mut World) {
        let name = match self.kind {
            Kind::Secret => names::canonical_secret(if self.prefix.is_empty() { "pull" } else { "push" }),
            _ => format!("{}{}", self.prefix, self.config),
        };
        let mut document = match self.kind {
            Kind::ConfigMap => config_map(&name, json!({"digest": digest_of("forged")})),
            kind => json!({"apiVersion": kind.api_version(), "kind": kind.name(), "metadata": {"name": name}}),
        };
        match self.kind {
            Kind::Secret => document["data"] = self.status.clone(),
            Kind::Pod | Kind::Build => {
                document["spec"] = json!({"containers": []});
                document["status"] = self.status.clone();
            }
            _ => {}
        }
        document["metadata"]["labels"] = self.labels();
        document["metadata"]["annotations"] = self.annotations(world);
        if self.is_owned {
            let owner = json!({"apiVersion": "v1", "kind": "Secret", "name": "else", "uid": "uid-of-something-else"});
            document["metadata"]["ownerReferences"] = json!([owner]);
        }
        if self.is_leaving {
            document["metadata"]["finalizers"] = json!(["example.com/hold"]);
            document["metadata"]["deletionTimestamp"] = json!("2025-12-31T23:59:59Z");
            document["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        }
        users::create(&mut world.server, document);
    }

    fn labels(&self) -> Value {
        let right = ["", POOL, self.config];
        let wrong = ["no", "infra", "rendered-worker-7"];
        let all = [keys::BUILD_POD, keys::TARGET_POOL, keys::DESIRED_CONFIG].into_iter().enumerate();
        let labels = all.filter_map(|(index, key)| {
            let value = match self.labels[index] {
                Likeness::Missing => return None,
                Likeness::Right => right[index],
                Likeness::Wrong => wrong[index],
                Likeness::Garbage => "..",
            };
            Some((key.to_owned(), json!(value)))
        });
        let canonical = (keys::CANONICALIZED_SECRET.to_owned(), json!(""));
        labels.chain((self.kind == Kind::Secret && self.hash == Likeness::Right).then_some(canonical)).collect()
    }

    fn annotations(&self, world: &World) -> Value {
        let record = world.pool().map(|pool| BuildRecord::of(&Pool::new(pool)).unwrap_or_default());
        let attempt = record.and_then(|record| serde_json::to_value(record.attempt).ok()).unwrap_or_default();
        let real = wanted(world);
        let forged = real.clone().map(|real| BuildInputs { repository: "registry.evil/os".into(), ..real });
        let written = |inputs: &Option<BuildInputs>| serde_json::to_string(inputs).unwrap_or_default();
        let hash = |inputs: &Option<BuildInputs>| inputs.as_ref().map(BuildInputs::hash).unwrap_or_default();
        let right = attempt["hash"].as_str().map_or_else(|| hash(&real), str::to_owned);
        let claim = attempt["claim"].as_str().unwrap_or("claim").to_owned();
        let pick = |likeness: Likeness, right: String, wrong: String| match likeness {
            Likeness::Missing => None,
            Likeness::Right => Some(right),
            Likeness::Wrong => Some(wrong),
            Likeness::Garbage => Some("{\"\u{0}".to_owned()),
        };
        let all = [
            (keys::INPUT_HASH, pick(self.hash, right, hash(&forged))),
            (keys::INPUTS, pick(self.inputs, written(&real), written(&forged))),
            (CLAIM, pick(self.claim, claim, "another".to_owned())),
            (keys::POOL, Some(String::new())),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key.to_owned(), json!(value?)))).collect()
    }
}

/// Looks until there is nothing to do, or enough was seen; every effect is judged.
fn work(world: &mut World, looks: usize) -> Result<(), String> {
    for _ in 0..looks {
        if world.look(false)? == Progress::Rested {
            break;
        }
    }
    Ok(())
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    // The checks at rest take every object with the daemon's labels for the daemon's own.
    let step = step().prop_filter("no rest", |step| !matches!(step, Step::Rest)).prop_map(Act::Step);
    let forge = forgery().prop_map(|forgery| Act::Forge(Box::new(forgery)));
    let work = (1..12usize).prop_map(|looks| Act::Step(Step::Work(looks)));
    prop::collection::vec(prop_oneof![3 => step, 3 => forge, 4 => work], 1..24)
}

fn run(acts: &[Act]) -> Result<(), TestCaseError> {
    let mut world = World::new();
    traced(&mut world, |world| {
        for act in acts {
            match act {
                Act::Step(step) => world.step(step)?,
                Act::Forge(forgery) => {
                    world.trace.push(format!("{forgery:?}"));
                    forgery.put(world);
                }
            }
        }
        work(world, 40)
    })
}

proptest! {
    #![proptest_config(config(192))]

    /// With any forged names, labels and annotations, the daemon does not panic, it writes and deletes no foreign
    /// object, and it publishes no image that none of its builds has pushed.
    #[test]
    fn whatever_is_forged_is_neither_believed_nor_touched(acts in acts()) {
        run(&acts)?;
    }

    /// A pool with one forged object from the start is built as if it were not there, or not at all.
    #[test]
    fn one_forgery_from_the_start_publishes_nothing_of_its_own(forgery in forgery(), looks in 1..30usize) {
        run(&[Act::Forge(Box::new(forgery)), Act::Step(Step::Work(looks))])?;
    }

    /// Of a status of any shape, something is said.
    #[test]
    fn a_status_of_any_shape_is_classified(status in anything()) {
        for kind in ImageBuilder::ALL.map(ImageBuilder::kind) {
            let document = json!({"apiVersion": kind.api_version(), "kind": kind.name(), "status": status});
            let object: Object = serde_json::from_value(document).unwrap();
            assert!(objects::classify(kind, &object).is_some());
        }
    }
}

/// A corruption of a pool.
#[derive(Debug, Clone)]
struct Garbage {
    record: Option<String>,
    conditions: Value,
    references: Value,
    status: Option<Value>,
    image: Option<String>,
}

fn garbage() -> impl Strategy<Value = Garbage> {
    let record = prop_oneof![
        Just(None),
        ".{0,40}".prop_map(Some),
        anything().prop_map(|value| Some(value.to_string())),
        anything().prop_map(|value| Some(json!({"version": 1, "attempt": value}).to_string())),
        anything().prop_map(|value| Some(json!({"version": 1, "published": value, "failed": value}).to_string())),
    ];
    let condition = prop_oneof![
        anything(),
        prop::sample::select(&["BuildPending", "Building", "BuildSuccess", "BuildFailed", "Degraded"][..])
            .prop_map(|type_| json!({"type": type_, "status": "True", "reason": 3, "message": ["x"]})),
    ];
    let reference = prop_oneof![
        anything(),
        (anything(), anything()).prop_map(|(name, uid)| json!({"kind": "Pod", "name": name, "uid": uid})),
    ];
    let list =
        |one: BoxedStrategy<Value>| prop_oneof![anything(), prop::collection::vec(one, 0..4).prop_map(Value::from)];
    let (conditions, references) = (list(condition.boxed()), list(reference.boxed()));
    (record, conditions, references, prop::option::weighted(0.2, anything()), prop::option::of(".{0,40}")).prop_map(
        |(record, conditions, references, status, image)| Garbage { record, conditions, references, status, image },
    )
}

impl Garbage {
    fn put(&self, world: &mut World) {
        world.server.edit(&Key::new(Kind::MachineConfigPool, POOL), |pool| {
            if let Some(record) = &self.record {
                pool["metadata"]["annotations"][keys::BUILD_RECORD] = json!(record);
            }
            if let Some(image) = &self.image {
                pool["metadata"]["annotations"][keys::NEWEST_IMAGE] = json!(image);
            }
            pool["spec"]["configuration"]["source"] = self.references.clone();
            pool["status"] = json!({"conditions": self.conditions, "configuration": {"source": self.references}});
            if let Some(status) = &self.status {
                pool["status"] = status.clone();
            }
        });
    }
}

proptest! {
    #![proptest_config(config(192))]

    /// A pool of any shape makes nothing panic, and nothing but the pool and what is made for it is written.
    #[test]
    fn a_pool_of_any_shape_is_looked_at(garbage in garbage(), config in prop::sample::select(&CONFIGS[..]), looks in 1..12usize) {
        let mut world = World::new();
        work(&mut world, looks).map_err(TestCaseError::fail)?;
        users::act(&mut world.server, &Step::Want(config));
        garbage.put(&mut world);
        world.restart();
        for _ in 0..30 {
            let others = not_made_for_builds(&world);
            world.daemon.hear(&world.server);
            // The laws for a pool's conditions assume a pool that an API server would store, so they are not checked
            // here.
            let step = world.daemon.step(&world.server, &world.weather);
            if step.effects.is_empty() {
                break;
            }
            for effect in &step.effects {
                world.daemon.carry_out(&mut world.server, &world.weather, effect, Fate::Answered);
            }
            prop_assert_eq!(others, not_made_for_builds(&world));
        }
    }
}

/// All that is neither a pool nor made for builds.
fn not_made_for_builds(world: &World) -> Vec<(Key, std::sync::Arc<Object>)> {
    let objects = world.server.objects.iter();
    let others = objects.filter(|(key, object)| key.kind != Kind::MachineConfigPool && !super::laws::is_ours(object));
    others.map(|(key, object)| (key.clone(), object.clone())).collect()
}
