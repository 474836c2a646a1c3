//! The command and the environment of a container.

use k8s_openapi::api::core::v1::{Container, EnvVarSource};
use kube::ResourceExt as _;

use super::failure::Failure;
use super::objects::{Contents, Objects, value};

/// The command of a container.
pub(super) struct Invocation {
    pub(super) environment: Vec<(String, String)>,
    pub(super) command: Vec<String>,
}

impl Invocation {
    /// The command of `container`, in the environment that its node provides.
    pub(super) async fn of(
        container: &Container,
        objects: &Objects<'_>,
        node: &[(String, String)],
    ) -> Result<Self, Failure> {
        let mut environment = node.to_vec();
        set(&mut environment, "HOSTNAME", objects.pod.name_any());
        for source in container.env_from.iter().flatten() {
            let prefix = source.prefix.as_deref().unwrap_or_default();
            let contents = match (&source.config_map_ref, &source.secret_ref) {
                (Some(from), _) => objects.config_map(&from.name, from.optional).await?,
                (None, Some(from)) => objects.secret(&from.name, from.optional).await?,
                (None, None) => Contents::new(),
            };
            for (key, value) in contents {
                set(&mut environment, &format!("{prefix}{key}"), String::from_utf8_lossy(&value).into_owned());
            }
        }
        for variable in container.env.iter().flatten() {
            let value = match &variable.value_from {
                Some(source) => read(source, objects).await?,
                None => Some(expand(variable.value.as_deref().unwrap_or_default(), &environment)),
            };
            if let Some(value) = value {
                set(&mut environment, &variable.name, value);
            }
        }
        let words = container.command.iter().chain(&container.args).flatten();
        let command = words.map(|word| expand(word, &environment)).collect();
        if container.command.as_ref().is_none_or(Vec::is_empty) {
            return Err(Failure::NoCommand);
        }
        Ok(Self { environment, command })
    }
}

fn set(environment: &mut Vec<(String, String)>, name: &str, value: String) {
    environment.retain(|(known, _)| known != name);
    environment.push((name.to_owned(), value));
}

async fn read(source: &EnvVarSource, objects: &Objects<'_>) -> Result<Option<String>, Failure> {
    let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    if let Some(from) = &source.config_map_key_ref {
        let contents = objects.config_map(&from.name, from.optional).await?;
        return Ok(text(value(&contents, "configmap", &from.key, from.optional)?));
    }
    if let Some(from) = &source.secret_key_ref {
        let contents = objects.secret(&from.name, from.optional).await?;
        return Ok(text(value(&contents, "secret", &from.key, from.optional)?));
    }
    let Some(field) = &source.field_ref else {
        return Err(Failure::Unsupported("where a variable's value is to come from".to_owned()));
    };
    objects.field(&field.field_path).map(Some)
}

/// Puts variables in the place of `$(NAME)`, as Kubernetes does: an unknown one stays as it is, and `$$` is a `$`.
fn expand(text: &str, environment: &[(String, String)]) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        expanded.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        rest = if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            after
        } else if let Some((name, after)) = after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            match environment.iter().find(|(known, _)| known == name) {
                Some((_, value)) => expanded.push_str(value),
                None => expanded.extend(["$(", name, ")"]),
            }
            after
        } else {
            expanded.push('$');
            after
        };
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_as_kubernetes_does_it() {
        let environment = [("A".to_owned(), "1 $(B)".to_owned()), ("B".to_owned(), "2".to_owned())];
        for (text, expected) in [
            ("plain", "plain"),
            ("$(A)-$(B)", "1 $(B)-2"),
            ("$(mktemp -d) $A ${A}", "$(mktemp -d) $A ${A}"),
            ("$$(A) $$", "$(A) $"),
            ("wait=$((wait * 2))", "wait=$((wait * 2))"),
            ("open $(A", "open $(A"),
            ("end $", "end $"),
        ] {
            assert_eq!(expand(text, &environment), expected, "{text}");
        }
    }
}
