//! By which flag, and by which environment variable, a setting is set too.

/// Every setting: its field, and its flag.
pub const FLAGS: [(&str, &str); 27] = [
    ("namespace", "namespace"),
    ("maxConcurrentBuilds", "max-concurrent-builds"),
    ("maxAttempts", "max-attempts"),
    ("pendingDeadline", "pending-deadline"),
    ("buildDeadline", "build-deadline"),
    ("adminListen", "admin-listen"),
    ("leaderElection.enabled", "leader-elect"),
    ("leaderElection.leaseDuration", "lease-duration"),
    ("leaderElection.renewDeadline", "renew-deadline"),
    ("leaderElection.retryPeriod", "retry-period"),
    ("logFormat", "log-format"),
    ("build.builderImage", "builder-image"),
    ("build.digestHandoff", "digest-handoff"),
    ("build.resources", "build-resources"),
    ("build.nodeSelector", "build-node-selector"),
    ("build.tolerations", "build-tolerations"),
    ("build.priorityClassName", "build-priority-class-name"),
    ("build.labels", "build-labels"),
    ("build.annotations", "build-annotations"),
    ("build.proxy.httpProxy", "build-http-proxy"),
    ("build.proxy.httpsProxy", "build-https-proxy"),
    ("build.proxy.noProxy", "build-no-proxy"),
    ("build.trustedCaConfigMap", "build-trusted-ca-config-map"),
    ("build.trustedCaKey", "build-trusted-ca-key"),
    ("build.registriesConfigMap", "build-registries-config-map"),
    ("build.isolation", "build-isolation"),
    ("build.storageDriver", "build-storage-driver"),
];

/// The flag that sets this field, or the field that it is a part of.
pub fn flag_of(field: &str) -> Option<&'static str> {
    let is_of =
        |known: &str| field.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    FLAGS.into_iter().find(|(known, _)| is_of(known)).map(|(_, flag)| flag)
}

/// The environment variable that does what a flag does.
pub fn variable(flag: &str) -> String {
    flag.replace('-', "_").to_ascii_uppercase()
}
