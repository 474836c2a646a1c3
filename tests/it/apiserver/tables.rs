//! Objects as rows of tables.

use super::*;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

fn titles(table: &Value) -> Vec<&str> {
    table["columnDefinitions"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn lists_objects_and_watches_are_shown_as_tables() {
    let world = World::new();
    world.made(CONFIG_MAPS, json!({"metadata": {"name": "a"}, "data": {"x": "1"}, "binaryData": {"y": "AA=="}})).await;
    tokio::time::sleep(std::time::Duration::from_secs(150)).await;
    let (code, table) = world.get_as(CONFIG_MAPS, TABLE).await;
    assert_eq!((code, &table["kind"], &table["apiVersion"]), (200, &json!("Table"), &json!("meta.k8s.io/v1")));
    assert_eq!(titles(&table), ["Name", "Data", "Age"]);
    assert_eq!(table["columnDefinitions"][0]["format"], "name");
    assert_eq!(table["rows"][0]["cells"], json!(["a", 2, "2m30s"]));
    assert!(version(&table) > 0);
    let (_, one) = world.get_as(&format!("{CONFIG_MAPS}/a"), TABLE).await;
    assert_eq!(one["rows"], table["rows"]);
    let event = world.watch_as(CONFIG_MAPS, TABLE).await.next().await.unwrap();
    assert_eq!((&event["type"], &event["object"]["rows"]), (&json!("ADDED"), &table["rows"]));
}

#[tokio::test(start_paused = true)]
async fn a_pool_is_shown_by_its_conditions() {
    let world = World::new();
    world.made(POOLS, named("worker")).await;
    let conditions = json!([{"type": "Updated", "status": "False"}, {"type": "Updating", "status": "True"}]);
    let status = json!({"configuration": {"name": "c"}, "conditions": conditions, "machineCount": 3});
    world.patch(&format!("{POOLS}/worker/status"), MERGE_PATCH, &json!({ "status": status })).await;
    let (_, table) = world.get_as(POOLS, TABLE).await;
    let cells = json!(["worker", "c", "False", "True", null, 3, null, null, null, "0s"]);
    assert_eq!(table["rows"][0]["cells"], cells);
}

#[tokio::test(start_paused = true)]
async fn a_pod_shows_what_it_waits_for() {
    let world = World::new();
    world.made(PODS, pod("p", "node")).await;
    let cells = async || world.get_as(&format!("{PODS}/p"), TABLE).await.1["rows"][0]["cells"].clone();
    assert_eq!(cells().await, json!(["p", "0/1", "Pending", "0", "0s", "node"]));
    let waiting = json!({"name": "main", "restartCount": 2, "state": {"waiting": {"reason": "ImagePullBackOff"}}});
    let status = json!({"status": {"containerStatuses": [waiting]}});
    world.patch(&format!("{PODS}/p/status"), MERGE_PATCH, &status).await;
    assert_eq!(cells().await, json!(["p", "0/1", "ImagePullBackOff", "2", "0s", "node"]));
    world.delete(&format!("{PODS}/p"), &json!({})).await;
    assert_eq!(cells().await[2], "Terminating");
}
