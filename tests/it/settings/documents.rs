//! The documentation of settings: the table in the documents, the help, and the deployed file.

use std::collections::BTreeSet;

use machine_os_builder::settings::{FLAGS, Settings, parse, variable};
use machine_os_builder::yaml;

use super::program::{Program, pointer};

const PAGE: &str = include_str!("../../../docs/settings.md");

/// The rows of the table of settings: field, flag, variable and default.
fn rows() -> Vec<[String; 4]> {
    let table = PAGE.split_once("\n| field |").unwrap().1.split("\n\n").next().unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<String> = line.split('|').map(|cell| cell.trim().replace('`', "")).collect();
        cells[1..5].to_vec().try_into().unwrap()
    })
    .collect()
}

#[test]
fn the_page_lists_every_setting_with_its_flag_its_variable_and_its_default() {
    let defaults = Program::new().effective();
    let expected: Vec<[String; 4]> = FLAGS
        .into_iter()
        .map(|(field, flag)| {
            let default = match defaults.pointer(&pointer(field)).unwrap() {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Null => "none".to_owned(),
                value if field == "build.resources" => {
                    assert_eq!(value.to_string(), r#"{"limits":{},"requests":{}}"#);
                    "{}".to_owned()
                }
                value => value.to_string(),
            };
            [field.to_owned(), format!("--{flag}"), variable(flag), default]
        })
        .collect();
    assert_eq!(rows(), expected);
}

/// The first block of this language on the page.
fn block(language: &str) -> &'static str {
    PAGE.split_once(&format!("```{language}\n")).unwrap().1.split("```").next().unwrap()
}

#[test]
fn the_pages_example_can_be_used_and_what_it_shows_of_another_is_what_is_printed() {
    assert_eq!(Program::new().file(block("yaml")).effective()["maxConcurrentBuilds"], 10);
    let wrong = "build: {resources: {limits: {memory: 4GB}}, priorityClassName: High}";
    assert_eq!(Program::new().file(wrong).refusal(1), block("text"));
}

#[test]
fn the_help_names_every_flag_with_its_variable_and_its_default() {
    let help = Program::new().run("run", &["--help"]).stdout;
    let entries: Vec<String> =
        help.split("\n      --").map(|it| it.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    for [field, flag, variable, default] in rows() {
        let flag = flag.trim_start_matches("--");
        let entry = entries.iter().find(|entry| entry.split([' ', '[']).next() == Some(flag)).expect(flag);
        assert!(entry.contains(&format!("[env: {variable}")), "{entry}");
        assert!(entry.contains(&format!("[default: {default}]")), "{field}: {entry}");
    }
}

#[test]
fn the_file_that_is_deployed_can_be_used_and_is_mounted() {
    let text = include_str!("../../../config/manager/settings.yaml");
    let settings: Settings = parse(text).unwrap();
    assert!(settings.check().is_ok());
    let deployment = yaml::parse(include_str!("../../../config/manager/manager.yaml")).unwrap().remove(0);
    let pod = &deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let path = container["args"][1].as_str().unwrap().strip_prefix("--config=").unwrap();
    assert_eq!(path, format!("{}/settings.yaml", container["volumeMounts"][0]["mountPath"].as_str().unwrap()));
    let kustomization = yaml::parse(include_str!("../../../config/manager/kustomization.yaml")).unwrap().remove(0);
    assert_eq!(kustomization["configMapGenerator"][0]["name"], pod["volumes"][0]["configMap"]["name"]);
    assert_eq!(kustomization["configMapGenerator"][0]["namespace"], deployment["metadata"]["namespace"]);
    let variables: BTreeSet<_> =
        container["env"].as_array().unwrap().iter().map(|variable| variable["name"].as_str().unwrap()).collect();
    assert_eq!(variables, BTreeSet::from(["NAMESPACE"]), "a variable would come before the file");
}
