//! Laws that each single effect must obey, whatever came before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use machine_os_builder::api::conditions::BUILD_CONDITIONS;
use machine_os_builder::api::pool::{field, is_build_reference};
use machine_os_builder::api::{Key, Kind, Object, Pool, keys, names};
use machine_os_builder::reconcile::decide::Effect;
use machine_os_builder::reconcile::inputs::build_inputs::BuildInputs;
use machine_os_builder::reconcile::pool::record::BuildRecord;
use serde_json::Value;

use super::kubelet::Pushed;
use super::server::{Server, document};
use super::{POOL, oracle};

/// The inputs that Pods were made from, by their UIDs.
pub(super) type Made = BTreeMap<String, BuildInputs>;

/// The state before an effect.
pub(super) struct Before {
    pub objects: BTreeMap<Key, Arc<Object>>,
    /// The pool as the daemon knows it.
    pub known: Option<Arc<Object>>,
    /// The inputs that the pool wants, by the daemon's knowledge.
    pub wanted: Option<BuildInputs>,
}

type Judgement = Result<(), String>;

fn law(holds: bool, words: impl FnOnce() -> String) -> Judgement {
    if holds { Ok(()) } else { Err(words()) }
}

/// Whether an object has the name and the three labels of one made for a build of the pool.
pub(super) fn is_ours(object: &Object) -> bool {
    let labels = object.metadata.labels.as_ref();
    let value = |key: &str| labels.and_then(|labels| labels.get(key));
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let is_named = names::rendered_of(name).is_some_and(|rendered| match Kind::of(object) {
        Ok(Kind::Pod | Kind::Build) => name == names::build(rendered),
        Ok(Kind::ConfigMap) => name != names::build(rendered),
        _ => false,
    });
    let is_named = is_named && names::rendered_of(name).is_some_and(|r| r.starts_with(names::RENDERED_PREFIX));
    is_named
        && value(keys::BUILD_POD).is_some()
        && value(keys::DESIRED_CONFIG).is_some()
        && value(keys::TARGET_POOL).is_some_and(|pool| pool == POOL)
}

/// Whether this is the name of the digest that a build of the pool may have left: it need not have labels.
fn is_digest_of_the_pool(key: &Key) -> bool {
    key.kind == Kind::ConfigMap && super::step::CONFIGS.iter().any(|config| key.name == names::digest(config))
}

/// Whether a Secret is one that was made from another.
fn is_canonical(secret: &Object) -> bool {
    let is_labelled = secret.metadata.labels.as_ref().is_some_and(|l| l.contains_key(keys::CANONICALIZED_SECRET));
    let name = secret.metadata.name.as_deref().unwrap_or_default();
    let owners = secret.metadata.owner_references.as_deref().unwrap_or_default();
    is_labelled && owners.iter().any(|owner| owner.kind == "Secret" && name == names::canonical_secret(&owner.name))
}

pub(super) fn pool_in(objects: &BTreeMap<Key, Arc<Object>>) -> Option<&Arc<Object>> {
    objects.get(&Key::new(Kind::MachineConfigPool, POOL))
}

/// The build conditions that are True.
pub(super) fn shown(pool: &Object) -> Vec<&'static str> {
    BUILD_CONDITIONS.into_iter().filter(|type_| Pool::new(pool).is_true(type_)).collect()
}

/// Judges what an effect did.
pub(super) fn judge(before: &Before, effect: &Effect, server: &Server, made: &mut Made, pushed: &Pushed) -> Judgement {
    only_our_own_is_written(before, server)?;
    no_build_without_need_or_claim(before, effect)?;
    a_pod_is_made_from_what_is_wanted(before, server, made)?;
    one_build_at_a_time(server, made)?;
    if let (Some(was), Some(is)) = (pool_in(&before.objects), pool_in(&server.objects)) {
        law(shown(is).len() <= 1, || format!("{:?} are True at once", shown(is)))?;
        what_is_published_was_built(before, was, is, made, pushed)?;
        if !Arc::ptr_eq(was, is) {
            conditions_follow_references(before, effect, is)?;
        }
    }
    Ok(())
}

fn only_our_own_is_written(before: &Before, server: &Server) -> Judgement {
    let all: BTreeSet<&Key> = before.objects.keys().chain(server.objects.keys()).collect();
    for key in all {
        let (was, is) = (before.objects.get(key), server.objects.get(key));
        let is_same = match (was, is) {
            (Some(was), Some(is)) => Arc::ptr_eq(was, is),
            _ => false,
        };
        let both = |test: fn(&Object) -> bool| was.into_iter().chain(is).all(|object| test(object));
        let is_allowed = is_same
            || match key.kind {
                Kind::MachineConfigPool => was.map(|o| foreign_part(o)) == is.map(|o| foreign_part(o)),
                Kind::Secret => both(is_canonical),
                Kind::ConfigMap if is_digest_of_the_pool(key) => is.is_none(),
                Kind::Pod | Kind::Build | Kind::ConfigMap => both(is_ours),
                _ => false,
            };
        law(is_allowed, || format!("{key} is not the daemon's to write"))?;
    }
    Ok(())
}

/// The parts of a pool that belong to other owners.
fn foreign_part(pool: &Object) -> Value {
    let mut pool = document(pool);
    drop(pool["metadata"].as_object_mut().unwrap().remove("resourceVersion"));
    if let Some(annotations) = pool["metadata"]["annotations"].as_object_mut() {
        annotations.retain(|key, _| ![keys::NEWEST_IMAGE, keys::BUILD_RECORD, keys::REBUILD].contains(&key.as_str()));
    }
    if let Some(conditions) = pool["status"]["conditions"].as_array_mut() {
        let is_foreign_degraded = |c: &Value| field(c, "status") == "True" && field(c, "reason") != "BuildFailed";
        conditions.retain(|c| match field(c, "type") {
            "Degraded" => is_foreign_degraded(c),
            type_ => !BUILD_CONDITIONS.contains(&type_),
        });
    }
    for half in ["spec", "status"] {
        if let Some(source) = pool[half]["configuration"]["source"].as_array_mut() {
            source.retain(|reference| !is_build_reference(reference));
        }
    }
    without_emptiness(pool)
}

fn without_emptiness(value: Value) -> Value {
    let is_empty = |v: &Value| v.is_null() || *v == Value::Array(vec![]) || v.as_object().is_some_and(|o| o.is_empty());
    match value {
        Value::Object(fields) => {
            fields.into_iter().map(|(k, v)| (k, without_emptiness(v))).filter(|(_, v)| !is_empty(v)).collect()
        }
        other => other,
    }
}

fn no_build_without_need_or_claim(before: &Before, effect: &Effect) -> Judgement {
    let (Effect::Create(part, request), Some(known)) = (effect, &before.known) else { return Ok(()) };
    let pool = Pool::new(known);
    let record = BuildRecord::of(&pool).map_err(|fault| format!("a build despite {fault}"))?;
    let claim = record.attempt_at(&request.hash).filter(|attempt| attempt.lost.is_none());
    law(claim.is_some(), || format!("{part:?} is made before its attempt is claimed"))?;
    law(pool.is_opted_in(), || "a build of a pool that is not opted in".into())?;
    law(record.rebuild || pool.blocked_by().is_none(), || "a build of a pool that others degrade".into())?;
    law(record.published_on(&pool, &request.hash).is_none(), || "a build of what is published".into())?;
    law(before.wanted.as_ref() == Some(&request.inputs), || {
        format!("a build of {:?}, and {:?} is wanted", request.inputs, before.wanted)
    })
}

fn a_pod_is_made_from_what_is_wanted(before: &Before, server: &Server, made: &mut Made) -> Judgement {
    for (key, pod) in server.objects.iter().filter(|(key, _)| key.kind == Kind::Pod) {
        let uid = pod.metadata.uid.clone().unwrap_or_default();
        if made.contains_key(&uid) || before.objects.get(key).is_some_and(|was| was.metadata.uid == pod.metadata.uid) {
            continue;
        }
        let inputs = pod.metadata.annotations.as_ref().and_then(|annotations| annotations.get(keys::INPUTS));
        let inputs: BuildInputs = serde_json::from_str(inputs.map_or("", String::as_str)).map_err(|e| e.to_string())?;
        law(key.name == names::build(&inputs.rendered_config), || format!("{key} is made from {inputs:?}"))?;
        made.insert(uid, inputs);
    }
    Ok(())
}

fn one_build_at_a_time(server: &Server, made: &Made) -> Judgement {
    let is_live = |object: &&Arc<Object>| {
        object.metadata.deletion_timestamp.is_none()
            && object.metadata.uid.as_ref().is_some_and(|uid| made.contains_key(uid))
    };
    let live: Vec<_> = server.objects.values().filter(is_live).map(|pod| pod.metadata.name.clone()).collect();
    law(live.len() <= 1, || format!("{live:?} run at once"))
}

fn what_is_published_was_built(before: &Before, was: &Object, is: &Object, made: &Made, pushed: &Pushed) -> Judgement {
    let image = |pool| Pool::new(pool).annotation(keys::NEWEST_IMAGE);
    let Some(image) = image(is).filter(|now| image(was) != Some(*now)) else { return Ok(()) };
    let record = BuildRecord::of(&Pool::new(is)).map_err(|fault| fault.to_string())?;
    let published = record.published.ok_or("an image is published without a record")?;
    let builds: Vec<_> = pushed.iter().filter_map(|(uid, digest)| Some((made.get(uid)?, digest))).collect();
    let is_true = builds
        .iter()
        .any(|(inputs, digest)| published.inputs == **inputs && image == format!("{}@{digest}", inputs.repository));
    law(is_true, || format!("{image} of {:?} is published, and these were built: {builds:?}", published.inputs))?;
    law(published.image == image && published.hash == published.inputs.hash(), || format!("{published:?} is wrong"))?;
    law(before.wanted.as_ref().is_none_or(|wanted| *wanted == published.inputs), || {
        format!("{:?} is published, and {:?} is wanted", published.inputs, before.wanted)
    })
}

fn conditions_follow_references(before: &Before, effect: &Effect, pool: &Object) -> Judgement {
    let (Effect::PatchStatus(_), Some(known)) = (effect, &before.known) else { return Ok(()) };
    let shows_success = shown(pool) == ["BuildSuccess"];
    law(!shows_success || Pool::new(known).annotation(keys::NEWEST_IMAGE).is_some(), || {
        "success is shown before the image".into()
    })?;
    let (pool, of) = (Pool::new(pool), |source: &[Value]| -> Vec<Value> {
        source.iter().filter(|reference| is_build_reference(reference)).cloned().collect()
    });
    let (spec, status) = (of(pool.spec_source()), of(pool.status_source()));
    law(spec == status, || format!("the status refers to {status:?}, the spec to {spec:?}"))
}

/// The daemon's knowledge, for [`Before::wanted`].
pub(super) fn wanted(objects: &dyn Fn(&Key) -> Option<Arc<Object>>) -> Option<BuildInputs> {
    let keys = [(Kind::MachineConfigPool, POOL)];
    let inputs = names::INPUT_CONFIG_MAPS.map(|name| (Kind::ConfigMap, name));
    let others = [(Kind::Secret, "pull"), (Kind::Secret, "push")];
    let configs = super::step::CONFIGS.map(|name| (Kind::MachineConfig, name));
    let all = keys.into_iter().chain(inputs).chain(others).chain(configs);
    let known: BTreeMap<Key, Arc<Object>> =
        all.map(|(kind, name)| Key::new(kind, name)).filter_map(|key| Some((key.clone(), objects(&key)?))).collect();
    oracle::inputs(|kind, name| known.get(&Key::new(kind, name)).map(|object| &**object))
}
