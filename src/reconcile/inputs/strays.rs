//! Keys in the ConfigMap of Containerfile texts that match no pool: without this check the daemon would ignore them
//! silently.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::conditions::EventReason;
use crate::api::names::{CUSTOM_CONTAINERFILE, sha256_hex};
use crate::api::{Key, Kind, Object};
use crate::reconcile::observed::cache::{Cache, Change};
use crate::reconcile::pool::events::event;

/// Most pools that are named in a message.
const POOLS_SHOWN_MAX: usize = 10;

/// The keys that are no pool's, and what there is to say about them.
#[derive(Clone, PartialEq)]
pub struct Strays {
    /// The ConfigMap that they are in.
    pub config_map: Arc<Object>,
    /// The keys.
    pub keys: BTreeSet<String>,
    /// The pools that there are.
    pub pools: BTreeSet<String>,
}

impl Strays {
    /// The keys that are known to be no pool's; none if there are none.
    pub fn of(cache: &Cache) -> Option<Self> {
        let config_map = cache.get(&Key::new(Kind::ConfigMap, CUSTOM_CONTAINERFILE))?.clone();
        let pools: BTreeSet<String> = cache.of_kind(Kind::MachineConfigPool).map(|(key, _)| key.name.clone()).collect();
        let of = |field: &str| config_map.data.get(field).and_then(Value::as_object).into_iter().flatten();
        let keys = of("data").chain(of("binaryData")).map(|(key, _)| key.clone());
        let keys: BTreeSet<String> = keys.filter(|key| !pools.contains(key)).collect();
        (!keys.is_empty()).then_some(Self { config_map, keys, pools })
    }

    /// Whether they may be others after `change`.
    pub fn depend_on(change: &Change) -> bool {
        let is_source = |key: &Key| key.kind == Kind::MachineConfigPool || key.name == CUSTOM_CONTAINERFILE;
        change.key().is_some_and(is_source)
    }

    /// The name of the Event about a key: the same in every process, so that the API server keeps it from being told
    /// twice.
    pub fn event_name(&self, key: &str) -> String {
        let uid = self.config_map.metadata.uid.as_deref().unwrap_or_default();
        let hash = sha256_hex(format!("{uid}\n{}\n{key}", EventReason::ConfigInvalid.as_str()));
        format!("{CUSTOM_CONTAINERFILE}.{}", &hash[..16])
    }

    /// The Event about a key, in the namespace of its ConfigMap.
    pub fn event(&self, key: &str, now: Timestamp) -> Object {
        let metadata = &self.config_map.metadata;
        let involved = json!({
            "apiVersion": Kind::ConfigMap.api_version(),
            "kind": Kind::ConfigMap.name(),
            "name": CUSTOM_CONTAINERFILE,
            "namespace": metadata.namespace,
            "uid": metadata.uid,
        });
        let mut told = event(&self.event_name(key), &involved, EventReason::ConfigInvalid, &self.message(key), now);
        told.metadata.namespace.clone_from(&metadata.namespace);
        told
    }

    /// What there is to say about a key.
    pub fn message(&self, key: &str) -> String {
        let named: Vec<&str> = self.pools.iter().map(String::as_str).take(POOLS_SHOWN_MAX).collect();
        let pools = match (named.len(), self.pools.len() - named.len()) {
            (0, _) => "there are no pools".to_owned(),
            (_, 0) => format!("the pools are {}", named.join(", ")),
            (_, more) => format!("the pools are {} and {more} more", named.join(", ")),
        };
        format!(
            "ConfigMap {CUSTOM_CONTAINERFILE}: key {key}: it is not the name of a MachineConfigPool, so its text is part of \
             no image; to fix it, rename the key to that of a pool, or remove it ({pools})"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(pools: &[&str], data: &Value) -> Cache {
        let mut cache = Cache::default();
        let mut put = |kind: Kind, name: &str, data: &Value| {
            let mut object = Object::new(name, &kind.resource());
            object.data = data.clone();
            cache.apply(&Change::Applied(Key::new(kind, name), Arc::new(object)));
        };
        pools.iter().for_each(|pool| put(Kind::MachineConfigPool, pool, &json!({})));
        put(Kind::ConfigMap, CUSTOM_CONTAINERFILE, data);
        cache
    }

    #[test]
    fn a_key_that_is_no_pools_is_a_stray() {
        for (data, expected) in [
            (json!({"data": {"worker": "x", "wroker": "x"}}), vec!["wroker"]),
            (
                json!({"data": {"Worker": "x"}, "binaryData": {"master": "eA==", "infra": "eA=="}}),
                vec!["Worker", "infra"],
            ),
            (json!({"data": {"worker": "x"}}), vec![]),
            (json!({}), vec![]),
        ] {
            let strays = Strays::of(&cache(&["master", "worker"], &data));
            let keys: Vec<String> = strays.into_iter().flat_map(|strays| strays.keys).collect();
            assert_eq!(keys, expected, "{data}");
        }
        assert!(Strays::of(&Cache::default()).is_none());
    }

    #[test]
    fn a_message_names_the_key_and_so_many_pools() {
        let of =
            |pools: &[&str]| Strays::of(&cache(pools, &json!({"data": {"wroker": "x"}}))).unwrap().message("wroker");
        assert!(
            of(&["master", "worker"]).contains("key wroker: ")
                && of(&["master", "worker"]).ends_with("(the pools are master, worker)")
        );
        assert!(of(&[]).ends_with("(there are no pools)"));
        let many: Vec<String> = (10..30).map(|number| format!("pool-{number}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert!(of(&many).ends_with("pool-18, pool-19 and 10 more)"), "{}", of(&many));
    }

    #[test]
    fn each_key_of_each_config_map_has_an_event_of_its_own() {
        let mut strays = Strays::of(&cache(&[], &json!({"data": {"a": "", "b": ""}}))).unwrap();
        assert_eq!(strays.event_name("a"), strays.event_name("a"));
        assert_ne!(strays.event_name("a"), strays.event_name("b"));
        let before = strays.event_name("a");
        Arc::make_mut(&mut strays.config_map).metadata.uid = Some("other".into());
        assert_ne!(strays.event_name("a"), before);
        assert!(crate::api::names::is_dns1123_subdomain(&before), "{before}");
    }
}
