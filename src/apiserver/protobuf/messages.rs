//! The supported messages: field numbers as in Kubernetes' `generated.proto` files.

use Type::{BytesMap, Flag, Many, Number, One, Text, TextMap, Texts, Time};

/// The fields of a message: number, name, type.
pub(super) type Message = &'static [(u64, &'static str, Type)];

/// The type of a field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Type {
    Text,
    Texts,
    Number,
    Flag,
    Time,
    TextMap,
    BytesMap,
    One(Message),
    Many(Message),
}

/// The fields of objects of this kind, if it is understood.
pub(super) fn of(kind: &str) -> Option<Message> {
    Some(match kind {
        "ConfigMap" => CONFIG_MAP,
        "Secret" => SECRET,
        "Namespace" => NAMESPACE,
        "ServiceAccount" => SERVICE_ACCOUNT,
        "Lease" => LEASE,
        "Role" | "ClusterRole" => ROLE,
        "RoleBinding" | "ClusterRoleBinding" => BINDING,
        "DeleteOptions" => DELETE_OPTIONS,
        "TokenRequest" => TOKEN_REQUEST,
        "SelfSubjectReview" => &[(1, "metadata", One(METADATA))],
        "SelfSubjectAccessReview" | "SubjectAccessReview" => ACCESS_REVIEW,
        "SelfSubjectRulesReview" => &[(1, "metadata", One(METADATA)), (2, "spec", One(&[(1, "namespace", Text)]))],
        _ => return None,
    })
}

pub(super) const TYPE_META: Message = &[(1, "apiVersion", Text), (2, "kind", Text)];

const OWNER: Message = &[
    (1, "kind", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
    (6, "controller", Flag),
    (7, "blockOwnerDeletion", Flag),
];
const METADATA: Message = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (7, "generation", Number),
    (8, "creationTimestamp", Time),
    (9, "deletionTimestamp", Time),
    (10, "deletionGracePeriodSeconds", Number),
    (11, "labels", TextMap),
    (12, "annotations", TextMap),
    (13, "ownerReferences", Many(OWNER)),
    (14, "finalizers", Texts),
];
const CONFIG_MAP: Message =
    &[(1, "metadata", One(METADATA)), (2, "data", TextMap), (3, "binaryData", BytesMap), (4, "immutable", Flag)];
const SECRET: Message = &[
    (1, "metadata", One(METADATA)),
    (2, "data", BytesMap),
    (3, "type", Text),
    (4, "stringData", TextMap),
    (5, "immutable", Flag),
];
const NAMESPACE: Message = &[(1, "metadata", One(METADATA)), (2, "spec", One(&[(1, "finalizers", Texts)]))];
const REFERENCE: Message = &[
    (1, "kind", Text),
    (2, "namespace", Text),
    (3, "name", Text),
    (4, "uid", Text),
    (5, "apiVersion", Text),
    (6, "resourceVersion", Text),
    (7, "fieldPath", Text),
];
const SERVICE_ACCOUNT: Message = &[
    (1, "metadata", One(METADATA)),
    (2, "secrets", Many(REFERENCE)),
    (3, "imagePullSecrets", Many(&[(1, "name", Text)])),
    (4, "automountServiceAccountToken", Flag),
];
const LEASE_SPEC: Message = &[
    (1, "holderIdentity", Text),
    (2, "leaseDurationSeconds", Number),
    (3, "acquireTime", Time),
    (4, "renewTime", Time),
    (5, "leaseTransitions", Number),
];
const LEASE: Message = &[(1, "metadata", One(METADATA)), (2, "spec", One(LEASE_SPEC))];
const RULE: Message = &[
    (1, "verbs", Texts),
    (2, "apiGroups", Texts),
    (3, "resources", Texts),
    (4, "resourceNames", Texts),
    (5, "nonResourceURLs", Texts),
];
const REQUIREMENT: Message = &[(1, "key", Text), (2, "operator", Text), (3, "values", Texts)];
const SELECTOR: Message = &[(1, "matchLabels", TextMap), (2, "matchExpressions", Many(REQUIREMENT))];
/// The aggregation rule is of ClusterRoles alone.
const ROLE: Message = &[
    (1, "metadata", One(METADATA)),
    (2, "rules", Many(RULE)),
    (3, "aggregationRule", One(&[(1, "clusterRoleSelectors", Many(SELECTOR))])),
];
const BINDING: Message = &[
    (1, "metadata", One(METADATA)),
    (2, "subjects", Many(&[(1, "kind", Text), (2, "apiGroup", Text), (3, "name", Text), (4, "namespace", Text)])),
    (3, "roleRef", One(&[(1, "apiGroup", Text), (2, "kind", Text), (3, "name", Text)])),
];
const TOKEN_REQUEST_SPEC: Message = &[
    (1, "audiences", Texts),
    (3, "boundObjectRef", One(&[(1, "kind", Text), (2, "apiVersion", Text), (3, "name", Text), (4, "uid", Text)])),
    (4, "expirationSeconds", Number),
];
const TOKEN_REQUEST: Message = &[(1, "metadata", One(METADATA)), (2, "spec", One(TOKEN_REQUEST_SPEC))];
const RESOURCE: Message = &[
    (1, "namespace", Text),
    (2, "verb", Text),
    (3, "group", Text),
    (4, "version", Text),
    (5, "resource", Text),
    (6, "subresource", Text),
    (7, "name", Text),
];
/// The user, the groups and the UID are of those reviews alone that are not about oneself.
const ACCESS_REVIEW_SPEC: Message = &[
    (1, "resourceAttributes", One(RESOURCE)),
    (2, "nonResourceAttributes", One(&[(1, "path", Text), (2, "verb", Text)])),
    (3, "user", Text),
    (4, "groups", Texts),
    (6, "uid", Text),
];
const ACCESS_REVIEW: Message = &[(1, "metadata", One(METADATA)), (2, "spec", One(ACCESS_REVIEW_SPEC))];
const DELETE_OPTIONS: Message = &[
    (1, "gracePeriodSeconds", Number),
    (2, "preconditions", One(&[(1, "uid", Text), (2, "resourceVersion", Text)])),
    (3, "orphanDependents", Flag),
    (4, "propagationPolicy", Text),
    (5, "dryRun", Texts),
];
