//! The Containerfile of a build, from its template.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::api::keys;
use crate::reconcile::inputs::build_inputs::BuildInputs;

const NAME: &str = "Containerfile";
const TEMPLATE: &str = include_str!("../../../templates/Containerfile.j2");
/// The step that applies the config.
const APPLY: &str = include_str!("../../../templates/apply-config.sh");

/// Renders the Containerfile of the build of `inputs` for `pool`, with the pool's own text, if any, after
/// the stage `configs`.
///
/// The inputs are validated: images follow the reference grammar, and nothing has a control character in it.
pub fn render(pool: &str, inputs: &BuildInputs, custom: Option<&str>) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()
            .expect("the default delimiters are valid"),
    );
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.add_filter("quote", quote);
    environment.add_filter("json_string", json_string);
    let values = context! {
        base_image => &inputs.base_image,
        extensions_image => &inputs.extensions_image,
        rendered_config => &inputs.rendered_config,
        release_version => &inputs.release_version,
        pool => pool,
        custom => custom,
        apply => without_comments(APPLY),
        image_pool => keys::IMAGE_POOL,
    };
    environment
        .add_template(NAME, TEMPLATE)
        .and_then(|()| environment.get_template(NAME)?.render(values))
        .expect("the template is part of the program, and all of its values are given")
}

/// `text` as a quoted word of a Containerfile, in which nothing is expanded.
fn quote(text: &str) -> String {
    let escaped = |c: char| matches!(c, '"' | '\\' | '$' | '`').then_some('\\').into_iter().chain([c]);
    format!("\"{}\"", text.chars().flat_map(escaped).collect::<String>())
}

/// `text` as a string of an exec-form instruction.
fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A script without the lines that are there for its readers: a step's text is part of the image.
fn without_comments(script: &str) -> String {
    let lines: Vec<&str> = script.lines().filter(|line| !line.starts_with('#')).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> BuildInputs {
        BuildInputs {
            rendered_config: "rendered-worker-1".into(),
            base_image: "registry.test/os:9".into(),
            extensions_image: None,
            release_version: "4.16.0".into(),
            custom_containerfile: None,
            repository: "registry.test/org/os".into(),
            generation: 0,
        }
    }

    fn instructions(text: &str) -> Vec<&str> {
        text.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_uppercase())).collect()
    }

    #[test]
    fn stages_and_labels_are_those_of_the_inputs() {
        insta::assert_snapshot!(render("worker", &inputs(), None));
    }

    #[test]
    fn an_extensions_image_is_a_stage_between_the_two() {
        let with = BuildInputs { extensions_image: Some("registry.test/ext:9".into()), ..inputs() };
        let text = render("worker", &with, None);
        let stages: Vec<_> = instructions(&text).into_iter().filter(|l| l.starts_with("FROM")).collect();
        assert_eq!(
            stages,
            [
                "FROM registry.test/os:9 AS extract",
                "FROM registry.test/ext:9 AS extensions",
                "FROM registry.test/os:9 AS configs",
            ]
        );
    }

    #[test]
    fn the_pools_own_text_comes_last_and_as_it_is() {
        let custom = "FROM configs AS final\nRUN echo \"{{ not_ours }}\" && ostree container commit";
        let text = render("worker", &inputs(), Some(custom));
        assert!(text.trim_end().ends_with(custom), "{text}");
    }

    #[test]
    fn l32_a_value_stays_within_its_quotes() {
        let odd = BuildInputs { release_version: r#"4" evil="$HOME\`"#.into(), ..inputs() };
        let text = render("worker", &odd, None);
        assert!(text.contains(r#"releaseversion="4\" evil=\"\$HOME\\\`""#), "{text}");
        assert_eq!(instructions(&text), instructions(&render("worker", &inputs(), None)));
    }
}
