//! An object that a decision looks at, with the labels and annotations of builds.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::api::limits::FORCED_DELETION_AFTER_S;
use crate::api::{Key, Kind, Object, keys, names};
use crate::reconcile::inputs::build_inputs::BuildInputs;
use crate::reconcile::inputs::request::BuildRequest;
use crate::reconcile::observed::index::owner_of;

/// A Pod, a Build or a ConfigMap: made for a build of this pool, or foreign.
#[derive(Clone, Copy)]
pub(crate) struct BuildObject<'a> {
    pub key: &'a Key,
    pub object: &'a Object,
}

impl<'a> BuildObject<'a> {
    pub(crate) fn uid(&self) -> &'a str {
        self.object.metadata.uid.as_deref().unwrap_or_default()
    }

    pub(crate) fn hash(&self) -> Option<&'a str> {
        self.annotation(keys::INPUT_HASH)
    }

    pub(in crate::reconcile) fn claim(&self) -> Option<&'a str> {
        self.annotation(keys::CLAIM)
    }

    /// The inputs recorded on the object, if they match its hash.
    pub(crate) fn inputs(&self) -> Option<BuildInputs> {
        let inputs: BuildInputs = serde_json::from_str(self.annotation(keys::INPUTS)?).ok()?;
        (Some(inputs.hash().as_str()) == self.hash()).then_some(inputs)
    }

    pub(crate) const fn is_being_deleted(&self) -> bool {
        self.object.metadata.deletion_timestamp.is_some()
    }

    /// When to force the deletion of an object that is being deleted; none if it was forced already, as force does not
    /// remove a finalizer.
    pub(super) fn forced_at(&self) -> Option<Timestamp> {
        if self.object.metadata.deletion_grace_period_seconds == Some(0) {
            return None;
        }
        let deadline = self.object.metadata.deletion_timestamp.as_ref()?.0;
        deadline.checked_add(SignedDuration::from_secs(FORCED_DELETION_AFTER_S)).ok()
    }

    /// When to report that finalizers keep the object from being deleted.
    pub(super) fn held_at(&self) -> Option<Timestamp> {
        let deadline = self.object.metadata.deletion_timestamp.as_ref().filter(|_| !self.finalizers().is_empty())?.0;
        deadline.checked_add(SignedDuration::from_secs(FORCED_DELETION_AFTER_S)).ok()
    }

    /// The reference to the object, as the pool carries it.
    pub(super) fn reference(&self) -> Value {
        serde_json::json!({
            "apiVersion": self.key.kind.api_version(),
            "kind": self.key.kind.name(),
            "name": self.key.name,
            "namespace": self.object.metadata.namespace,
            "uid": self.uid(),
        })
    }

    /// Whether the object has the name and the labels of one made for a build of `pool`: any object may carry the
    /// labels alone.
    pub(super) fn is_for(&self, pool: &str) -> bool {
        let label = |key: &str| self.object.metadata.labels.as_ref()?.get(key);
        [keys::BUILD_POD, keys::DESIRED_CONFIG].iter().all(|key| label(key).is_some())
            && owner_of(self.object).as_deref() == Some(pool)
            && self.rendered().is_some()
    }

    /// Whether the object has a name that the build of `request` needs.
    pub(super) fn is_of(&self, request: &BuildRequest) -> bool {
        let rendered = &request.inputs.rendered_config;
        let (kind, name) = (self.key.kind, &self.key.name);
        (kind == request.builder.kind() && *name == names::build(rendered))
            || (kind == Kind::ConfigMap && [names::payload(rendered), names::containerfile(rendered)].contains(name))
    }

    /// Whether the object has none of the labels of a build's.
    pub(super) fn is_unlabelled(&self) -> bool {
        let labels = self.object.metadata.labels.as_ref();
        let ours = [keys::BUILD_POD, keys::TARGET_POOL, keys::DESIRED_CONFIG];
        !labels.is_some_and(|labels| ours.iter().any(|key| labels.contains_key(*key)))
    }

    /// The rendered config in the object's name, if the name is that of a build's object of this kind.
    pub(super) fn rendered(&self) -> Option<&'a str> {
        let rendered = names::rendered_of(&self.key.name)?;
        if !rendered.starts_with(names::RENDERED_PREFIX) {
            return None;
        }
        let is_build = self.key.name == names::build(rendered);
        (is_build == self.key.kind.is_build_object()).then_some(rendered)
    }

    /// The finalizers that keep the object from being deleted.
    pub(super) fn finalizers(&self) -> &'a [String] {
        self.object.metadata.finalizers.as_deref().unwrap_or_default()
    }

    fn annotation(&self, key: &str) -> Option<&'a str> {
        self.object.metadata.annotations.as_ref()?.get(key).map(String::as_str)
    }
}
