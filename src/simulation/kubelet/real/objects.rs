//! Objects that pods read: ConfigMaps, Secrets, and the pod itself.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::api::Api;
use kube::{Client, ResourceExt as _};

use super::failure::Failure;
use crate::simulation::kubelet::simulated::NODE;

/// Keys, and what is in them.
pub(super) type Contents = BTreeMap<String, Vec<u8>>;

/// The objects that one pod may read.
pub(super) struct Objects<'a> {
    pub(super) client: &'a Client,
    pub(super) pod: &'a Pod,
}

impl Objects<'_> {
    /// The content of a ConfigMap; nothing if it does not exist and is optional.
    pub(super) async fn config_map(&self, name: &str, optional: Option<bool>) -> Result<Contents, Failure> {
        let found = Api::<ConfigMap>::namespaced(self.client.clone(), &self.namespace()).get_opt(name).await;
        let Some(found) = found.map_err(Failure::Api)? else { return missing("configmap", name, optional) };
        let text = found.data.unwrap_or_default().into_iter().map(|(key, text)| (key, text.into_bytes()));
        let binary = found.binary_data.unwrap_or_default().into_iter().map(|(key, bytes)| (key, bytes.0));
        Ok(text.chain(binary).collect())
    }

    /// The content of a Secret; nothing if it does not exist and is optional.
    pub(super) async fn secret(&self, name: &str, optional: Option<bool>) -> Result<Contents, Failure> {
        let found = Api::<Secret>::namespaced(self.client.clone(), &self.namespace()).get_opt(name).await;
        let Some(found) = found.map_err(Failure::Api)? else { return missing("secret", name, optional) };
        Ok(found.data.unwrap_or_default().into_iter().map(|(key, bytes)| (key, bytes.0)).collect())
    }

    /// A field of the pod itself.
    pub(super) fn field(&self, path: &str) -> Result<String, Failure> {
        let (metadata, spec) = (&self.pod.metadata, self.pod.spec.as_ref());
        let one_of = |all: &Option<BTreeMap<String, String>>, key: &str| {
            all.as_ref().and_then(|all| all.get(key)).cloned().unwrap_or_default()
        };
        let all = |all: &Option<BTreeMap<String, String>>| {
            all.iter().flatten().map(|(key, value)| format!("{key}={value:?}\n")).collect()
        };
        let key = path.split_once("['").and_then(|(_, key)| key.strip_suffix("']"));
        Ok(match (path.split('[').next().unwrap_or_default(), key) {
            ("metadata.name", None) => self.pod.name_any(),
            ("metadata.namespace", None) => self.namespace(),
            ("metadata.uid", None) => metadata.uid.clone().unwrap_or_default(),
            ("metadata.labels", Some(key)) => one_of(&metadata.labels, key),
            ("metadata.annotations", Some(key)) => one_of(&metadata.annotations, key),
            ("metadata.labels", None) => all(&metadata.labels),
            ("metadata.annotations", None) => all(&metadata.annotations),
            ("spec.nodeName", None) => NODE.to_owned(),
            ("spec.serviceAccountName", None) => {
                spec.and_then(|spec| spec.service_account_name.clone()).unwrap_or_default()
            }
            _ => return Err(Failure::Unsupported(format!("the field {path} of pods"))),
        })
    }

    fn namespace(&self) -> String {
        self.pod.namespace().unwrap_or_default()
    }
}

/// The value of one key.
pub(super) fn value<'c>(
    contents: &'c Contents,
    kind: &'static str,
    key: &str,
    optional: Option<bool>,
) -> Result<Option<&'c [u8]>, Failure> {
    match contents.get(key) {
        Some(value) => Ok(Some(value)),
        None if optional == Some(true) => Ok(None),
        None => Err(Failure::NoKey { kind, key: key.to_owned() }),
    }
}

fn missing(kind: &'static str, name: &str, optional: Option<bool>) -> Result<Contents, Failure> {
    if optional == Some(true) {
        return Ok(Contents::new());
    }
    Err(Failure::NotFound { kind, name: name.to_owned() })
}
