//! The daemon as its account: everything that its roles allow is needed, and nothing else is.

use std::future::Future;

use crate::manifests::{CONTROLLER, Permission, objects, permissions, without};
use crate::stories::{STORIES, Story};
use crate::world::World;

/// Runs in virtual time.
fn in_virtual_time(future: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().start_paused(true).build().unwrap().block_on(future);
}

/// The stories that a permission is used in, with all the roles in place and no request denied.
async fn used(all: &[Permission]) -> Vec<Vec<Story>> {
    let mut used = vec![Vec::new(); all.len()];
    for story in STORIES {
        let world = World::with(&objects()).await;
        (story.1)(&world).await;
        for entry in world.requests() {
            assert_ne!(entry.code, 403, "{}: {entry:?}", story.0);
            let needed: Vec<usize> = (0..all.len()).filter(|index| all[*index].is_for(&entry)).collect();
            assert!(!needed.is_empty(), "{}: no rule is known to allow {entry:?}", story.0);
            for index in needed {
                if used[index].last().is_none_or(|last: &Story| last.0 != story.0) {
                    used[index].push(*story);
                }
            }
        }
    }
    used
}

#[test]
fn no_request_is_denied_and_without_any_verb_of_the_roles_one_is() {
    in_virtual_time(async {
        let (objects, all) = (objects(), permissions(&objects(), CONTROLLER));
        let used = used(&all).await;
        let unused: Vec<String> =
            all.iter().zip(&used).filter(|(_, stories)| stories.is_empty()).map(|(gone, _)| gone.name()).collect();
        assert_eq!(unused, [] as [&str; 0], "no story needs this: does the daemon?");
        for (gone, stories) in all.iter().zip(&used) {
            let world = World::with(&without(&objects, gone)).await;
            let (name, story) = stories[0];
            let denied = tokio::select! {
                biased;
                denied = world.denied() => denied,
                () = story(&world) => panic!("{name} ends well without: {}", gone.name()),
            };
            assert!(gone.is_for(&denied), "without: {}, {name} is denied {denied:?}", gone.name());
            println!("without: {}: {name} is denied it", gone.name());
        }
    });
}
