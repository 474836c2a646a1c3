//! Every verb of every role, as a case: a story that succeeds with the verb, and fails without it.
//!
//! The name of a case is that of the verb in `config/rbac`; its text says what does not happen without the verb. The
//! stories check only what a user sees: conditions, Events, objects, the output of a command.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use super::manifests::{permissions, without};
use super::viewer::bound;
use super::world::World;

/// One verb, a story that needs it, and what that does not come to without it.
pub(super) struct Case {
    /// As in `controller_role::pods_log::get`.
    pub name: &'static str,
    pub story: for<'w> fn(&'w World) -> LocalBoxFuture<'w, ()>,
    pub missed: &'static str,
}

/// Makes a test of each verb, and `CASES` of all.
macro_rules! cases {
    ($($role:ident {$($resource:ident {$($verb:ident: $story:path, $missed:literal;)*})*})*) => {
        pub(super) const CASES: &[$crate::least_privilege::verbs::Case] = &[$($($($crate::least_privilege::verbs::Case {
            name: concat!(stringify!($role), "::", stringify!($resource), "::", stringify!($verb)),
            story: |world| Box::pin($story(world)),
            missed: $missed,
        },)*)*)*];
        $(mod $role {$(mod $resource {$(
            #[test]
            fn $verb() {
                $crate::least_privilege::verbs::prove(concat!(
                    stringify!($role), "::", stringify!($resource), "::", stringify!($verb)
                ));
            }
        )*})*})*
    };
}
pub(crate) use cases;

/// Runs the story of a case with its verb, and without.
pub(super) fn prove(name: &str) {
    let case = super::cases::CASES.iter().find(|case| case.name == name).unwrap();
    let all = permissions();
    let verb = all.iter().find(|permission| permission.name() == name).expect("a verb in config/rbac");
    in_virtual_time(async {
        let world = World::with(&bound()).await;
        (case.story)(&world).await;
        assert_eq!(world.denied(), [], "with all roles in place");
        let world = World::with(&without(&bound(), verb)).await;
        let missed = end(&world, case).await.unwrap_or_else(|| panic!("without {name} all goes well: is it needed?"));
        assert!(missed.contains(case.missed), "without {name} is missed: {missed}");
        let denied = world.denied();
        assert!(!denied.is_empty() && denied.iter().all(|entry| verb.is_for(entry)), "{denied:#?}");
        println!("without {name}: {missed}");
    });
}

/// The failure of a story; none if it succeeded.
async fn end(world: &World, case: &Case) -> Option<String> {
    let panic = AssertUnwindSafe((case.story)(world)).catch_unwind().await.err()?;
    Some(*panic.downcast::<String>().unwrap_or_else(|other| Box::new((*other.downcast::<&str>().unwrap()).to_owned())))
}

/// Runs in virtual time.
fn in_virtual_time(future: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().unwrap().block_on(future);
}
