//! The renderer: rolls out a pool's next config once its last is published.
//!
//! It reads pools. It writes MachineConfigs, and the name of the newest one into the spec of its pool.

use std::sync::Arc;

use futures::StreamExt as _;
use kube::Client;
use kube::api::{Patch, PatchParams};
use kube::runtime::watcher::{self, Event};
use serde_json::json;
use tokio::sync::watch;

use crate::api::conditions::BUILD_SUCCESS;
use crate::api::{Kind, Object, Pool};
use crate::reconcile::pool::record::BuildRecord;
use crate::simulation::machine_config::MachineConfigTemplate;
use crate::simulation::seed::{self, Fleet};

/// The name under which the renderer sends its requests.
pub const USER_AGENT: &str = "renderer";

/// Which config is published on which pool.
pub type Published = std::collections::BTreeMap<String, usize>;

/// Rolls configs out to pools.
pub struct Renderer {
    client: Client,
    fleet: Arc<Fleet>,
    template: MachineConfigTemplate,
    published: watch::Sender<Published>,
}

impl Renderer {
    /// A renderer for `fleet`; what is published can be followed through the receiver.
    pub fn new(
        client: Client,
        fleet: Arc<Fleet>,
        template: MachineConfigTemplate,
    ) -> (Self, watch::Receiver<Published>) {
        let (published, receiver) = watch::channel(Published::new());
        (Self { client, fleet, template, published }, receiver)
    }

    /// Creates the pools, each with its first config.
    pub async fn create_pools(&self) -> kube::Result<()> {
        for pool in self.fleet.pool_names() {
            let rendered = self.create_config(&pool, 1).await?;
            seed::create(&self.client, &seed::pool(&pool, &rendered)).await?;
        }
        Ok(())
    }

    /// Watches pools, and rolls out one config after the other, until it is dropped.
    pub async fn run(self) {
        let pools = seed::api(&self.client, Kind::MachineConfigPool);
        let mut events = std::pin::pin!(kube::runtime::watcher(pools, watcher::Config::default()));
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Apply(pool) | Event::InitApply(pool)) => {
                    if let Err(error) = self.roll_out(&pool).await {
                        tracing::warn!(%error, "failed to roll out a config");
                    }
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the renderer's watch failed"),
            }
        }
    }

    async fn roll_out(&self, object: &Object) -> kube::Result<()> {
        let pool = Pool::new(object);
        let Some(number) = self.fleet.number_of(pool.name(), pool.rendered()) else { return Ok(()) };
        let is_known = self.published.borrow().get(pool.name()).is_some_and(|known| *known >= number);
        if is_known || !is_published(&pool) {
            return Ok(());
        }
        self.published.send_modify(|published| {
            published.insert(pool.name().to_owned(), number);
        });
        if number == self.fleet.configs {
            return Ok(());
        }
        let rendered = self.create_config(pool.name(), number + 1).await?;
        let patch = json!({"spec": {"configuration": {"name": rendered}}});
        let pools = seed::api(&self.client, Kind::MachineConfigPool);
        pools.patch(pool.name(), &PatchParams::default(), &Patch::Merge(patch)).await?;
        Ok(())
    }

    async fn create_config(&self, pool: &str, number: usize) -> kube::Result<String> {
        let rendered = self.fleet.rendered(pool, number);
        let config = serde_json::from_value(self.template.render(&rendered, number)).expect("a template is an object");
        seed::create(&self.client, &config).await?;
        Ok(rendered)
    }
}

/// Whether the pool shows success, and it is that of its present config.
fn is_published(pool: &Pool<'_>) -> bool {
    let record = BuildRecord::of(pool).unwrap_or_default();
    let built = record.published.map(|published| published.inputs.rendered_config);
    pool.is_true(BUILD_SUCCESS) && built.as_deref() == Some(pool.rendered())
}
