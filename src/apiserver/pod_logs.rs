//! The output of containers, as `kubectl logs` reads it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::meta;
use super::status::StatusError;

/// Most that is kept of what one container wrote, in bytes.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// The output of all containers. The node agent writes it; clones share it.
#[derive(Debug, Clone, Default)]
pub struct PodLogs(Arc<Mutex<BTreeMap<(String, String), String>>>);

impl PodLogs {
    /// Adds a line to what a container of the pod of this UID wrote; of one that writes too much, the end is kept.
    pub fn append(&self, uid: &str, container: &str, line: &str) {
        let mut texts = self.texts();
        let text = texts.entry((uid.to_owned(), container.to_owned())).or_default();
        text.push_str(line);
        text.push('\n');
        if text.len() > TEXT_BYTES_MAX {
            // By halves, so that not each line moves the whole text.
            let later = text.bytes().skip(TEXT_BYTES_MAX / 2).position(|byte| byte == b'\n');
            text.drain(..later.map_or(text.len(), |later| TEXT_BYTES_MAX / 2 + later + 1));
        }
    }

    /// Drops what the containers of a pod wrote.
    pub fn forget(&self, uid: &str) {
        self.texts().retain(|(of, _), _| of != uid);
    }

    /// The output of a container of `pod`, or only its last lines.
    pub(super) fn read(&self, pod: &Value, container: &str, tail: Option<u64>) -> Result<String, StatusError> {
        let container = choose(pod, container)?;
        let key = (meta::metadata(pod, "uid").to_owned(), container.to_owned());
        let text = self.texts().get(&key).cloned().unwrap_or_default();
        let Some(tail) = tail else { return Ok(text) };
        let lines = text.lines().count();
        let skipped = lines.saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX));
        Ok(text.split_inclusive('\n').skip(skipped).collect())
    }

    fn texts(&self) -> MutexGuard<'_, BTreeMap<(String, String), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The container that is meant: the only one, if none is named.
fn choose<'a>(pod: &'a Value, container: &str) -> Result<&'a str, StatusError> {
    let pod_name = meta::metadata(pod, "name");
    let containers = ["initContainers", "containers"].map(|list| pod["spec"].get(list).and_then(Value::as_array));
    let names: Vec<&str> =
        containers.into_iter().flatten().flatten().map(|container| meta::text(container, "name")).collect();
    match (names.as_slice(), container) {
        ([only], "") => Ok(only),
        (_, "") => {
            let choice = names.join(" ");
            let why = format!("a container name must be specified for pod {pod_name}, choose one of: [{choice}]");
            Err(StatusError::bad_request(why))
        }
        (names, wanted) => {
            let found = names.iter().find(|name| **name == wanted).copied();
            let why = || format!("container {wanted} is not valid for pod {pod_name}");
            found.ok_or_else(|| StatusError::bad_request(why()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_container_that_writes_too_much_the_end_is_kept() {
        let logs = PodLogs::default();
        let line = "ä".repeat(500);
        for number in 0..3000 {
            logs.append("u", "c", &format!("{number} {line}"));
        }
        let pod = json!({"metadata": {"name": "p", "uid": "u"}, "spec": {"containers": [{"name": "c"}]}});
        let text = logs.read(&pod, "c", None).unwrap();
        assert!(text.len() <= TEXT_BYTES_MAX && text.len() > TEXT_BYTES_MAX / 3, "{}", text.len());
        assert!(text.ends_with(&format!("2999 {line}\n")));
        assert!(text.split(' ').next().unwrap().parse::<u32>().is_ok(), "it begins with a line");
    }
}
