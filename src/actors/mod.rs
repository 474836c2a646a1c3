//! The actors: a supervisor, an actor for each pool, and under it one for each of its builds.
//!
//! ```text
//! watches ──► Supervisor ──► PoolActor ──► BuildActor
//!                 ▲  changes     │  ▲  observe     │
//!                 └── answers ───┘  └── status ────┘
//!                 └─► InputsActor, where there is something to tell of inputs that are no pool's
//! ```
//!
//! Actors are thin: they keep the newest observed state, call [`decide`](crate::reconcile::decide::decide), and carry
//! out its effects. From other actors, a pool actor receives only newer facts; each decision uses the whole observed
//! state.

mod build;
mod context;
mod events;
mod inputs;
mod messages;
pub mod meter;
mod overview;
mod pool;
pub mod restart;
mod supervisor;

pub use self::context::{ActorSettings, Computation, Context};
pub use self::events::Emitter;
pub use self::messages::SupervisorMessage;
pub use self::overview::Overview;
pub use self::supervisor::{Arguments, Supervisor};
