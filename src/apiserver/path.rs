//! The paths by which a printer column finds its value: the simple part of JSONPath.

use serde_json::Value;

/// The values that `path` leads to from `root`; none if there are none, or if the path is more than is understood.
///
/// Fields (`.a`, `.a\.b`, `['a.b']`), items (`[0]`, `[-1]`, `[*]`) and filters (`[?(@.type=="X")]`) are.
pub(super) fn find<'a>(root: &'a Value, path: &str) -> Vec<&'a Value> {
    let path = path.trim().trim_start_matches('{').trim_end_matches('}').trim_start_matches('$');
    let mut found = vec![root];
    let mut rest = path;
    while !rest.is_empty() {
        let Some((step, after)) = step(rest) else { return Vec::new() };
        found = found.into_iter().flat_map(|value| step.follow(value)).collect();
        rest = after;
    }
    found
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Field(String),
    Item(i64),
    All,
    Where(Vec<String>, String),
}

impl Step {
    fn follow<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match self {
            Self::Field(name) => value.get(name).into_iter().collect(),
            Self::Item(index) => {
                let items = value.as_array().map_or(&[][..], Vec::as_slice);
                let from_end = || items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
                let index = usize::try_from(*index).ok().or_else(from_end);
                index.and_then(|index| items.get(index)).into_iter().collect()
            }
            Self::All => match value {
                Value::Array(items) => items.iter().collect(),
                Value::Object(fields) => fields.values().collect(),
                _ => Vec::new(),
            },
            Self::Where(fields, wanted) => {
                let items = value.as_array().into_iter().flatten();
                let passes = |item: &&Value| {
                    let found = fields.iter().try_fold(*item, |value, field| value.get(field));
                    found.is_some_and(|value| value.as_str().map_or(&*value.to_string(), |text| text) == wanted)
                };
                items.filter(passes).collect()
            }
        }
    }
}

/// The first step of a path, and what follows it.
fn step(path: &str) -> Option<(Step, &str)> {
    if let Some(rest) = path.strip_prefix("[?(") {
        let (condition, rest) = rest.split_once(")]")?;
        let (left, right) = condition.split_once("==")?;
        let fields = left.trim().strip_prefix("@.")?.split('.').map(str::to_owned).collect();
        let wanted = right.trim().trim_matches(['"', '\'']).to_owned();
        return Some((Step::Where(fields, wanted), rest));
    }
    if let Some(rest) = path.strip_prefix('[') {
        let (inside, rest) = rest.split_once(']')?;
        let step = match inside.trim() {
            "*" => Step::All,
            quoted if quoted.starts_with(['"', '\'']) => Step::Field(quoted.trim_matches(['"', '\'']).to_owned()),
            number => Step::Item(number.parse().ok()?),
        };
        return Some((step, rest));
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let mut name = String::new();
    let mut characters = path.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            '.' | '[' => return (!name.is_empty() || character == '[').then(|| (Step::Field(name), &path[at..])),
            other => name.push(other),
        }
    }
    (!name.is_empty()).then_some((if name == "*" { Step::All } else { Step::Field(name) }, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_printer_columns_use_is_understood() {
        let object = json!({
            "metadata": {"annotations": {"example.com/by": "me"}},
            "status": {"n": 3, "conditions": [{"type": "A", "status": "True"}, {"type": "B", "status": "False"}]},
        });
        for (path, expected) in [
            (".status.n", json!([3])),
            ("{.status.n}", json!([3])),
            (r".metadata.annotations.example\.com/by", json!(["me"])),
            (".metadata.annotations['example.com/by']", json!(["me"])),
            (r#".status.conditions[?(@.type=="B")].status"#, json!(["False"])),
            (".status.conditions[0].type", json!(["A"])),
            (".status.conditions[-1].type", json!(["B"])),
            (".status.conditions[*].type", json!(["A", "B"])),
            (".status.missing.deeper", json!([])),
            (".status..n", json!([])),
            (".status.conditions[?(@.type", json!([])),
            (".status.conditions[x]", json!([])),
            ("", json!([object])),
        ] {
            assert_eq!(json!(find(&object, path)), expected, "{path}");
        }
    }
}
