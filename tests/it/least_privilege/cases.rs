//! The verbs of `config/rbac`, file by file. A test fails if one is missing here, or is here only.

use std::fs;
use std::path::Path;

use machine_os_builder::yaml;
use serde_json::Value;

use super::manifests::{objects, permissions};
use super::verbs::cases;
use super::{stories, viewer};

cases! {
    controller_cluster_role {
        machineconfigpools {
            get: stories::a_pool_changes_while_it_is_patched, "Pod build-rendered-worker-2 is there";
            list: stories::a_build_succeeds_and_its_config_is_followed_by_another, "worker shows BuildPending";
            watch: stories::a_build_succeeds_and_its_config_is_followed_by_another, "worker shows BuildPending";
            patch: stories::a_build_succeeds_and_its_config_is_followed_by_another, "worker shows BuildPending";
        }
        machineconfigpools_status {
            patch: stories::a_build_succeeds_and_its_config_is_followed_by_another, "worker shows BuildPending";
        }
        machineconfigs {
            get: stories::a_build_succeeds_and_its_config_is_followed_by_another, "worker shows BuildPending";
            list: stories::a_build_succeeds_and_its_config_is_followed_by_another, "worker shows BuildPending";
            watch: stories::a_config_comes_after_the_pool_that_wants_it, "Pod build-rendered-worker-1 is there";
        }
    }
    controller_role {
        configmaps {
            get: stories::a_digest_is_handed_over_in_a_config_map, "worker shows BuildSuccess";
            list: stories::a_digest_is_handed_over_in_a_config_map, "worker shows BuildPending";
            watch: stories::what_is_made_is_somebody_elses, "master shows BuildFailed/NameConflict";
            create: stories::a_pool_opts_out_and_is_deleted, "worker shows BuildPending";
            delete: stories::a_digest_is_handed_over_in_a_config_map, "worker shows BuildSuccess";
        }
        pods {
            get: stories::what_is_made_is_somebody_elses, "infra shows BuildFailed/NameConflict";
            list: stories::a_build_fails_and_says_why, "worker shows BuildPending";
            watch: stories::a_build_fails_and_says_why, "worker shows BuildFailed";
            create: stories::a_pool_opts_out_and_is_deleted, "worker shows BuildPending";
            delete: stories::a_pool_opts_out_and_is_deleted, "Pod build-rendered-worker-1 is gone";
        }
        pods_log {
            get: stories::a_build_fails_and_says_why, "the pool says what the build has printed";
        }
        events {
            list: stories::a_build_never_starts_and_says_why, "the pool says why the build does not start";
            create: stories::a_key_is_no_pools_and_is_told_of, "an Event about the key";
        }
        builds {
            get: stories::what_is_made_is_somebody_elses, "master shows BuildFailed/NameConflict";
            list: stories::a_build_is_openshifts, "worker shows BuildPending";
            watch: stories::a_build_is_openshifts, "worker shows BuildSuccess";
            create: stories::a_build_is_openshifts, "worker shows BuildPending";
            delete: stories::a_build_is_openshifts, "worker shows BuildSuccess";
        }
        builds_docker {
            create: stories::a_build_is_openshifts, "worker shows BuildPending";
        }
        secrets {
            get: stories::a_secret_is_brought_into_form_by_the_process_before, "Pod build-rendered-infra-1 is there";
            list: stories::a_legacy_secret_is_brought_into_form_and_kept_there, "worker shows BuildPending";
            watch: stories::a_legacy_secret_is_brought_into_form_and_kept_there, "the canonical Secret follows";
            create: stories::a_legacy_secret_is_brought_into_form_and_kept_there, "worker shows BuildPending";
            update: stories::a_legacy_secret_is_brought_into_form_and_kept_there, "the canonical Secret follows";
        }
        leases {
            create: stories::the_lease_is_released_and_taken_over, "the first process leads";
            get: stories::the_lease_is_released_and_taken_over, "the first process leads";
            list: stories::the_lease_is_released_and_taken_over, "the second process leads at once";
            watch: stories::the_lease_is_released_and_taken_over, "the second process leads at once";
            update: stories::the_lease_is_released_and_taken_over, "the second process leads at once";
            patch: stories::the_lease_is_kept, "the first process keeps its lease";
        }
    }
    event_role {
        events {
            create: stories::a_build_fails_and_says_why, "the pool's Events tell of the build";
        }
    }
    build_role {
        configmaps {
            create: stories::a_build_pod_leaves_its_digest, "worker shows BuildSuccess";
        }
    }
    viewer_role {
        machineconfigpools {
            list: viewer::what_there_is_is_shown, "refuses to list machineconfigpools";
            watch: viewer::what_changes_is_followed, "a change of MachineConfigPool is seen";
        }
        machineconfigs {
            get: viewer::what_there_is_is_shown, "failed to get MachineConfig rendered-big-1";
            list: viewer::what_there_is_is_shown, "refuses to list machineconfigs";
            watch: viewer::what_changes_is_followed, "a change of MachineConfig is seen";
        }
        configmaps {
            get: viewer::what_there_is_is_shown, "the digest of the image is known";
            list: viewer::what_there_is_is_shown, "refuses to list configmaps";
            watch: viewer::what_changes_is_followed, "a change of ConfigMap is seen";
        }
        pods {
            get: viewer::what_there_is_is_shown, "failed to get Pod build-rendered-infra-1";
            list: viewer::what_there_is_is_shown, "refuses to list pods";
            watch: viewer::what_changes_is_followed, "a change of Pod is seen";
        }
        namespaces {
            get: viewer::a_namespace_that_is_not_there_is_named, "there is no namespace nosuch";
        }
        leases {
            get: viewer::what_the_daemon_says_of_itself_is_read, "the settings of the daemon are known";
        }
        builds {
            get: viewer::what_there_is_is_shown, "failed to get Build build-rendered-master-1";
            list: viewer::what_there_is_is_shown, "refuses to list builds";
            watch: viewer::what_changes_is_followed, "a change of Build is seen";
        }
    }
}

#[test]
fn each_verb_of_each_role_has_its_case() {
    let verbs: Vec<String> = permissions().iter().map(|permission| permission.name()).collect();
    let cases: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    let unproven: Vec<&String> = verbs.iter().filter(|verb| !cases.contains(&verb.as_str())).collect();
    assert_eq!(unproven, [] as [&str; 0], "verbs without a case");
    let stale: Vec<&&str> = cases.iter().filter(|case| !verbs.iter().any(|verb| verb == *case)).collect();
    assert_eq!(stale, [] as [&&str; 0], "cases of verbs that no role has");
    assert_eq!(cases.len(), verbs.len(), "one case for one verb: a file says one twice");
}

#[test]
fn each_role_is_among_those_that_are_applied() {
    let is_role = |object: &&Value| object["kind"].as_str().is_some_and(|kind| kind.ends_with("Role"));
    let all = documents(Path::new("config"));
    assert_eq!(all.iter().filter(is_role).count(), objects().iter().filter(is_role).count());
}

/// The contents of all files below a directory.
fn documents(directory: &Path) -> Vec<Value> {
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| match path.is_dir() {
            true => documents(&path),
            false => yaml::parse(&fs::read_to_string(path).unwrap()).unwrap(),
        })
        .collect()
}
