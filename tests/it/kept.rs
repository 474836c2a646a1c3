//! The daemon's memory does not grow with the number of past builds: it depends on the existing objects only.

use std::time::Duration;

use machine_os_builder::api::{Kind, Object, keys, names};
use machine_os_builder::daemon::Daemon;
use machine_os_builder::reconcile::observed::cache::{Cache, Change};
use machine_os_builder::reconcile::observed::index::{Index, Scope, Subscribers, WatchEvent, confine};
use serde_json::json;

use crate::harness::cluster::{Cluster, config_map, digest_of};

async fn kept(cluster: &Cluster, daemon: &Daemon) -> usize {
    cluster.rest(Duration::from_secs(30)).await;
    daemon.overview().await.unwrap().kept
}

/// Builds a config of each of the pools, and deletes it once another is wanted.
async fn build(cluster: &Cluster, pools: usize, round: usize, leaves_digest: bool) {
    for pool in 0..pools {
        let (pool, rendered) = (format!("pool-{pool}"), format!("rendered-{pool}-{round}"));
        if cluster.get(Kind::MachineConfigPool, &pool).await.is_some() {
            cluster.roll_out(&pool, &rendered).await;
        } else {
            cluster.create_pool(&pool, &rendered).await;
        }
    }
    for pool in 0..pools {
        let rendered = format!("rendered-{pool}-{round}");
        cluster.exists(Kind::Pod, &names::build(&rendered)).await;
        if leaves_digest {
            cluster.create(config_map(&names::digest(&rendered), json!({"digest": digest_of(&rendered)}))).await;
        }
        cluster.succeed(&rendered).await;
        cluster.shows(&format!("pool-{pool}"), "BuildSuccess", "BuildSucceeded").await;
        if round > 0 {
            cluster.delete(Kind::MachineConfig, &format!("rendered-{pool}-{}", round - 1)).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_supervisor_keeps_as_much_after_a_thousand_builds_as_after_a_few() {
    const POOLS: usize = 10;
    let cluster = Cluster::new().await;
    let daemon = cluster.daemon_deciding(|settings| settings.concurrent_builds_max = 0).await;
    let empty = kept(&cluster, &daemon).await;
    build(&cluster, POOLS, 0, true).await;
    build(&cluster, POOLS, 1, false).await;
    let few = kept(&cluster, &daemon).await;
    for round in 2..102 {
        build(&cluster, POOLS, round, round % 2 == 0).await;
    }
    assert_eq!(kept(&cluster, &daemon).await, few);
    for pool in 0..POOLS {
        cluster.delete(Kind::MachineConfigPool, &format!("pool-{pool}")).await;
        cluster.delete(Kind::MachineConfig, &format!("rendered-{pool}-101")).await;
    }
    assert_eq!(kept(&cluster, &daemon).await, empty, "nothing is left of pools that are gone");
}

fn object(kind: Kind, name: &str, metadata: serde_json::Value, rest: serde_json::Value) -> std::sync::Arc<Object> {
    let mut object = json!({"apiVersion": kind.api_version(), "kind": kind.name(), "metadata": {"name": name}});
    object["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
    object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    std::sync::Arc::new(serde_json::from_value(object).unwrap())
}

/// An index, and what the actors of the pools know, as it tells them.
struct Known {
    index: Index,
    pools: Vec<(String, Cache)>,
    version: u64,
}

impl Known {
    fn of(pools: usize) -> Self {
        let mut index = Index::default();
        for kind in [Kind::MachineConfigPool, Kind::MachineConfig, Kind::ConfigMap, Kind::Pod, Kind::Build] {
            index.observe(WatchEvent::Listed(Scope::all(kind), Vec::new()));
        }
        let pools = (0..pools).map(|n| format!("pool-{n}")).map(|pool| (pool.clone(), index.of_pool(&pool))).collect();
        Self { index, pools, version: 0 }
    }

    fn pass_on(&mut self, updates: Vec<(Subscribers, Change)>) {
        for (audience, change) in updates {
            for (pool, cache) in &mut self.pools {
                if matches!(&audience, Subscribers::All)
                    || matches!(&audience, Subscribers::Pools(names) if names.contains(pool))
                {
                    cache.apply(&change);
                }
            }
        }
    }

    fn observe(
        &mut self,
        kind: Kind,
        name: &str,
        mut metadata: serde_json::Value,
        rest: serde_json::Value,
        is_there: bool,
    ) {
        self.version += 1;
        metadata["resourceVersion"] = self.version.to_string().into();
        let object = object(kind, name, metadata, rest);
        let (scope, event): (_, fn(_, _) -> _) =
            (Scope::all(kind), if is_there { WatchEvent::Applied } else { WatchEvent::Deleted });
        let updates = self.index.observe(event(scope, object));
        self.pass_on(updates);
    }

    fn answer(&mut self, change: Change) {
        let updates = self.index.answer(change);
        self.pass_on(updates);
    }

    /// A pool wants a config, which is built and cleaned up; whether there was a digest was asked for.
    fn build(&mut self, pool: &str, rendered: &str) {
        let wants = json!({"spec": {"configuration": {"name": rendered}}});
        let opted_in = json!({"uid": pool, "labels": {keys::LAYERING_ENABLED: ""}});
        self.observe(Kind::MachineConfig, rendered, json!({"uid": rendered}), json!({}), true);
        self.observe(Kind::MachineConfigPool, pool, opted_in, wants, true);
        let labels = json!({keys::BUILD_POD: "", keys::TARGET_POOL: pool, keys::DESIRED_CONFIG: rendered});
        let made = [(Kind::ConfigMap, names::payload(rendered)), (Kind::Pod, names::build(rendered))];
        for is_there in [true, false] {
            for (kind, name) in &made {
                let mut metadata = json!({"uid": format!("{name} of {rendered}"), "labels": labels});
                if !is_there {
                    metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
                }
                self.observe(*kind, name, metadata, json!({}), is_there);
            }
        }
        let digest = machine_os_builder::api::Key::new(Kind::ConfigMap, names::digest(rendered));
        self.answer(Change::Gone(digest.clone(), None));
        let own = self.pools.iter_mut().find(|(name, _)| name == pool).map(|(_, cache)| cache).unwrap();
        own.apply(&Change::Gone(digest.clone(), None));
        own.confirm_absent(&digest);
        assert!(own.is_absent(&digest) && own.is_confirmed_absent(&digest), "it matters");
        // At rest.
        self.pools.iter_mut().for_each(|(pool, cache)| confine(cache, pool));
    }

    fn kept(&self) -> (usize, usize) {
        (self.index.kept(), self.pools.iter().map(|(_, cache)| cache.len()).sum())
    }
}

#[test]
fn an_actor_keeps_what_concerns_its_pool_and_forgets_what_was_not_there_of_configs_of_before() {
    let mut known = Known::of(10);
    let round = |known: &mut Known, round: usize| {
        for pool in 0..10 {
            known.build(&format!("pool-{pool}"), &format!("rendered-{pool}-{round}"));
            if round > 0 {
                let before = format!("rendered-{pool}-{}", round - 1);
                known.observe(Kind::MachineConfig, &before, json!({"uid": before}), json!({}), false);
            }
        }
    };
    round(&mut known, 0);
    round(&mut known, 1);
    let few = known.kept();
    (2..102).for_each(|n| round(&mut known, n));
    assert_eq!(known.kept(), few);
}

#[test]
fn a_new_actor_knows_what_was_not_there_of_the_config_that_its_pool_wants_and_of_no_other() {
    let mut known = Known::of(2);
    known.build("pool-0", "rendered-0-1");
    known.build("pool-1", "rendered-1-1");
    let absent = |cache: &Cache, rendered: &str| {
        cache.is_absent(&machine_os_builder::api::Key::new(Kind::Pod, names::build(rendered)))
    };
    let cache = known.index.of_pool("pool-0");
    assert!(absent(&cache, "rendered-0-1") && !absent(&cache, "rendered-1-1"));
    known.build("pool-0", "rendered-0-2");
    let cache = known.index.of_pool("pool-0");
    assert!(!absent(&cache, "rendered-0-1") && absent(&cache, "rendered-0-2"));
}

#[test]
fn what_has_gone_does_not_come_back_whatever_else_has_gone_since() {
    let mut known = Known::of(1);
    known.build("pool-0", "rendered-0-0");
    let pod = |version: u64| {
        object(
            Kind::Pod,
            "build-rendered-0-0",
            json!({"uid": "build-rendered-0-0 of rendered-0-0", "resourceVersion": version.to_string()}),
            json!({}),
        )
    };
    let late = WatchEvent::Applied(Scope::all(Kind::Pod), pod(1_000_000));
    for n in 1..20 {
        known.build("pool-0", &format!("rendered-0-{n}"));
        assert!(known.index.observe(late.clone()).is_empty(), "{n}");
        let key = machine_os_builder::api::Key::new(Kind::Pod, "build-rendered-0-0");
        assert!(!known.pools[0].1.apply(&Change::Applied(key, pod(1_000_000))), "{n}");
    }
}
