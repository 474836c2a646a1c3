//! Authentication and authorization.

use super::harness::*;

const RBAC: &str = "rbac.authorization.k8s.io";
const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const REVIEWS: &str = "/apis/authorization.k8s.io/v1";

/// Makes an account, and a world in which it is the client.
async fn robot(world: &World) -> World {
    world.post(&world.core("serviceaccounts"), &named("robot")).await.ok();
    world.acting(&token(world, json!({})).await)
}

fn case_of_robot(body: impl AsyncFnOnce(&World, World)) {
    case(async |world| body(world, robot(world).await).await);
}

/// A token of the account.
async fn token(world: &World, spec: Value) -> String {
    let told = world.post(&world.core("serviceaccounts/robot/token"), &json!({ "spec": spec })).await;
    text(&told.ok(), "/status/token").to_owned()
}

fn name(world: &World) -> String {
    format!("system:serviceaccount:{}:robot", world.namespace)
}

/// Lets the account do what the rule says, in the namespace of the case.
async fn allow(world: &World, rule: Value) {
    let role = json!({"metadata": {"name": "role"}, "rules": [rule]});
    world.post(&world.of(RBAC, "roles"), &role).await.ok();
    bind(world, "Role", "role").await;
}

async fn bind(world: &World, kind: &str, role: &str) {
    let subject = json!({"kind": "ServiceAccount", "name": "robot", "namespace": world.namespace});
    let role = json!({"apiGroup": RBAC, "kind": kind, "name": role});
    let binding = json!({"metadata": {"name": "binding"}, "subjects": [subject], "roleRef": role});
    world.post(&world.of(RBAC, "rolebindings"), &binding).await.ok();
}

fn rule(resources: &[&str], verbs: &[&str]) -> Value {
    json!({"apiGroups": [""], "resources": resources, "verbs": verbs})
}

/// Waits until the client may read what is at `path`: rules take a moment to get around.
async fn allowed(client: &World, path: &str) {
    client.eventually("it is allowed", async || (client.get(path).await.code == 200).then_some(())).await;
}

/// Waits until the token is rejected: the server caches authentication for a moment.
async fn unknown(client: &World) {
    let who = async || client.post(WHO, &json!({})).await;
    let told = client.eventually("it is unknown", async || Some(who().await).filter(|told| told.code != 201)).await;
    told.refused(401, "Unauthorized");
}

#[test]
fn a_token_says_who_its_account_is() {
    case_of_robot(async |world, robot| {
        let told = robot.post(WHO, &json!({})).await;
        let who = &told.ok()["status"]["userInfo"];
        assert_eq!(text(who, "/username"), name(world));
        let mine = format!("system:serviceaccounts:{}", world.namespace);
        for group in ["system:serviceaccounts", &mine, "system:authenticated"] {
            assert!(who["groups"].as_array().unwrap().contains(&json!(group)), "{who}");
        }
    });
}

#[test]
fn a_token_that_nobody_gave_is_nobodys() {
    case(async |world| {
        for token in ["nonsense", "a.b.c"] {
            let status = world.acting(token).get(&world.maps()).await.refused(401, "Unauthorized");
            assert_eq!(status["message"], "Unauthorized");
        }
    });
}

#[test]
fn a_token_goes_with_its_account() {
    case_of_robot(async |world, robot| {
        world.delete(&world.core("serviceaccounts/robot"), &json!({})).await.ok();
        unknown(&robot).await;
    });
}

#[test]
fn a_token_goes_with_the_pod_that_it_is_bound_to() {
    case(async |world| {
        world.post(&world.core("serviceaccounts"), &named("robot")).await.ok();
        let mut body = pod("a");
        body["spec"]["serviceAccountName"] = "robot".into();
        world.made_pod(body).await;
        let bound = json!({"boundObjectRef": {"kind": "Pod", "apiVersion": "v1", "name": "a"}});
        let robot = world.acting(&token(world, bound).await);
        robot.post(WHO, &json!({})).await.ok();
        world.delete(&world.pod("a"), &json!({"gracePeriodSeconds": 0})).await.ok();
        unknown(&robot).await;
    });
}

#[test]
fn an_account_that_is_not_there_has_no_tokens() {
    case(async |world| {
        let told = world.post(&world.core("serviceaccounts/nobody/token"), &json!({"spec": {}})).await;
        assert_eq!(told.refused(404, "NotFound")["message"], "serviceaccounts \"nobody\" not found");
    });
}

#[test]
fn a_token_is_good_for_ten_minutes_at_least() {
    case(async |world| {
        world.post(&world.core("serviceaccounts"), &named("robot")).await.ok();
        let short = json!({"spec": {"expirationSeconds": 599}});
        let told = world.post(&world.core("serviceaccounts/robot/token"), &short).await;
        told.invalid("spec.expirationSeconds", "FieldValueInvalid");
    });
}

#[test]
fn what_no_rule_allows_is_forbidden() {
    case_of_robot(async |world, robot| {
        let status = robot.get(&world.maps()).await.refused(403, "Forbidden");
        let why = format!(
            "User \"{}\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"{}\"",
            name(world),
            world.namespace
        );
        assert_eq!(status["message"], format!("configmaps is forbidden: {why}"));
        assert_eq!(status["details"], json!({"kind": "configmaps"}));
        let status = robot.delete(&world.map("a"), &json!({})).await.refused(403, "Forbidden");
        assert_eq!(status["details"], json!({"name": "a", "kind": "configmaps"}));
    });
}

#[test]
fn a_rule_allows_its_verbs_and_no_others() {
    case_of_robot(async |world, robot| {
        world.made(named("a")).await;
        allow(world, rule(&["configmaps"], &["get", "list"])).await;
        allowed(&robot, &world.maps()).await;
        robot.get(&world.map("a")).await.ok();
        robot.post(&world.maps(), &named("b")).await.refused(403, "Forbidden");
        robot.merge(&world.map("a"), &json!({})).await.refused(403, "Forbidden");
        robot.get(&format!("{}?watch=true", world.maps())).await.refused(403, "Forbidden");
        robot.get(&world.core("secrets")).await.refused(403, "Forbidden");
        robot.get("/api/v1/configmaps").await.refused(403, "Forbidden");
    });
}

#[test]
fn a_rule_may_be_for_some_names() {
    case_of_robot(async |world, robot| {
        for name in ["a", "b"] {
            world.made(named(name)).await;
        }
        let mut rule = rule(&["configmaps"], &["get", "list"]);
        rule["resourceNames"] = json!(["a"]);
        allow(world, rule).await;
        allowed(&robot, &world.map("a")).await;
        robot.get(&world.map("b")).await.refused(403, "Forbidden");
        robot.get(&world.maps()).await.refused(403, "Forbidden");
        robot.get(&format!("{}?fieldSelector=metadata.name%3Da", world.maps())).await.ok();
    });
}

#[test]
fn a_subresource_is_allowed_by_itself() {
    case_of_robot(async |world, robot| {
        world.made_pod(pod("a")).await;
        allow(world, rule(&["pods/status"], &["get", "patch"])).await;
        let status = format!("{}/status", world.pod("a"));
        allowed(&robot, &status).await;
        robot.merge(&status, &json!({"status": {"message": "hello"}})).await.ok();
        robot.get(&world.pod("a")).await.refused(403, "Forbidden");
        robot.merge(&world.pod("a"), &json!({})).await.refused(403, "Forbidden");
    });
}

#[test]
fn a_role_of_the_cluster_can_be_bound_in_a_namespace() {
    case_of_robot(async |world, robot| {
        let other = world.another().await;
        let (roles, role) = (format!("/apis/{RBAC}/v1/clusterroles"), world.unique("reader"));
        let body = json!({"metadata": {"name": role}, "rules": [rule(&["configmaps"], &["list"])]});
        world.post(&roles, &body).await.ok();
        world.owes(&format!("{roles}/{role}"));
        bind(world, "ClusterRole", &role).await;
        allowed(&robot, &world.maps()).await;
        robot.get(&other.maps()).await.refused(403, "Forbidden");
        other.clean_up().await;
    });
}

#[test]
fn what_is_no_longer_allowed_is_forbidden() {
    case_of_robot(async |world, robot| {
        allow(world, rule(&["configmaps"], &["list"])).await;
        allowed(&robot, &world.maps()).await;
        world.delete(&world.of(RBAC, "rolebindings/binding"), &json!({})).await.ok();
        let denied = async || (robot.get(&world.maps()).await.code == 403).then_some(());
        robot.eventually("it is denied", denied).await;
    });
}

#[test]
fn a_review_tells_what_is_allowed() {
    case_of_robot(async |world, robot| {
        allow(world, rule(&["configmaps"], &["list"])).await;
        allowed(&robot, &world.maps()).await;
        for (verb, is_allowed) in [("list", true), ("delete", false)] {
            let what = json!({"namespace": world.namespace, "verb": verb, "resource": "configmaps"});
            let own = json!({"spec": {"resourceAttributes": what}});
            let told = robot.post(&format!("{REVIEWS}/selfsubjectaccessreviews"), &own).await;
            assert_eq!(told.ok()["status"]["allowed"], is_allowed, "{verb}");
            let of_robot = json!({"spec": {"user": name(world), "resourceAttributes": what}});
            let told = world.post(&format!("{REVIEWS}/subjectaccessreviews"), &of_robot).await;
            assert_eq!(told.ok()["status"]["allowed"], is_allowed, "{verb}");
            robot.post(&format!("{REVIEWS}/subjectaccessreviews"), &of_robot).await.refused(403, "Forbidden");
        }
    });
}

#[test]
fn a_review_is_about_something() {
    case(async |world| {
        for resource in ["selfsubjectaccessreviews", "subjectaccessreviews"] {
            let told = world.post(&format!("{REVIEWS}/{resource}"), &json!({"spec": {"user": "jane"}})).await;
            assert!(matches!(told.code, 400 | 422) && told.body["kind"] == "Status", "{told:?}");
        }
    });
}

#[test]
fn the_rules_of_a_client_are_told_to_it() {
    case_of_robot(async |world, robot| {
        allow(world, rule(&["configmaps"], &["list"])).await;
        allowed(&robot, &world.maps()).await;
        let spec = json!({"spec": {"namespace": world.namespace}});
        let told = robot.post(&format!("{REVIEWS}/selfsubjectrulesreviews"), &spec).await.ok();
        let rules = told["status"]["resourceRules"].as_array().unwrap();
        let is_mine = |rule: &Value| rule["resources"] == json!(["configmaps"]) && rule["verbs"] == json!(["list"]);
        assert!(rules.iter().any(is_mine), "{told}");
    });
}
