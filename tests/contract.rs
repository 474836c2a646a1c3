//! What users and neighbours may rely on, clause by clause: objects in, objects out, in virtual time.

mod common;

#[path = "contract/supersede.rs"]
mod supersede;

#[path = "contract/ends.rs"]
mod ends;

#[path = "contract/leaving.rs"]
mod leaving;

#[path = "contract/inputs.rs"]
mod inputs;

#[path = "contract/names.rs"]
mod names;

#[path = "contract/openshift.rs"]
mod openshift;

#[path = "contract/builders.rs"]
mod builders;

#[path = "contract/unserved.rs"]
mod unserved;

#[path = "contract/handoff.rs"]
mod handoff;

#[path = "contract/regressions.rs"]
mod regressions;

#[path = "contract/trouble.rs"]
mod trouble;

#[path = "contract/clauses.rs"]
mod clauses;

#[path = "contract/fleet.rs"]
mod fleet;
