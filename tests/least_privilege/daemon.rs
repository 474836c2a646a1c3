//! The daemon as its account: everything that its roles allow is needed, and nothing else is.

use std::future::Future;

use http::Method;
use machine_os_builder::api::DEFAULT_NAMESPACE;
use machine_os_builder::apiserver::User;
use serde_json::json;

use crate::manifests::{BUILD_POD, CONTROLLER, Permission, objects, permissions, without};
use crate::stories::{STORIES, Story};
use crate::world::{World, send, server_with};

/// Runs in virtual time.
pub fn in_virtual_time(future: impl Future<Output = ()>) {
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
            let denied = world.denied_in(story(&world)).await;
            let denied = denied.unwrap_or_else(|| panic!("{name} ends well without: {}", gone.name()));
            assert!(gone.is_for(&denied), "without: {}, {name} is denied {denied:?}", gone.name());
            println!("without: {}: {name} is denied it", gone.name());
        }
    });
}

#[tokio::test]
async fn what_is_not_its_own_is_out_of_its_reach() {
    let server = server_with(&objects()).await;
    let own = format!("namespaces/{DEFAULT_NAMESPACE}");
    let leases = format!("/apis/coordination.k8s.io/v1/{own}/leases");
    for (method, path) in [
        (Method::GET, leases.clone()),
        (Method::PUT, format!("{leases}/other")),
        (Method::DELETE, format!("{leases}/machine-os-builder")),
        (Method::GET, "/api/v1/namespaces/kube-system/secrets".to_owned()),
        (Method::GET, "/api/v1/secrets".to_owned()),
        (Method::DELETE, format!("/api/v1/{own}/secrets/pull")),
        (Method::PATCH, format!("/api/v1/{own}/configmaps/on-cluster-build-config")),
        (Method::DELETE, format!("/api/v1/{own}/pods")),
        (Method::POST, format!("/api/v1/{own}/serviceaccounts/{BUILD_POD}/token")),
        (Method::POST, "/apis/machineconfiguration.openshift.io/v1/machineconfigs".to_owned()),
        (Method::PUT, "/apis/machineconfiguration.openshift.io/v1/machineconfigpools/worker".to_owned()),
        (Method::PATCH, "/apis/rbac.authorization.k8s.io/v1/clusterroles/machine-os-builder-controller".to_owned()),
    ] {
        let user = User::service_account(DEFAULT_NAMESPACE, CONTROLLER);
        let (code, status) = send(server.service().as_user(user), method.clone(), &path, &json!({})).await;
        assert_eq!(code, 403, "{method} {path}: {status}");
    }
}
