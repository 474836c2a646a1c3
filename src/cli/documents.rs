//! Kubernetes objects from files, as if they were a cluster's.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::api::names::{BUILD_CONFIG, CUSTOM_CONTAINERFILE, INPUT_CONFIG_MAPS};
use crate::api::{DEFAULT_NAMESPACE, Key, Kind, Object, Pool};
use crate::reconcile::inputs::build_settings::BuildSettings;
use crate::reconcile::inputs::fault::{FaultReason, InputFault};
use crate::reconcile::inputs::pull_secret;
use crate::reconcile::inputs::request::{self, BuildRequest, Wanted};
use crate::reconcile::inputs::sources::{self, Sources};
use crate::reconcile::inputs::strays::Strays;
use crate::reconcile::objects;
use crate::reconcile::objects::metadata;
use crate::reconcile::objects::payload::Payload;
use crate::reconcile::observed::cache::{Cache, Change};
use crate::reconcile::pool::record::BuildRecord;
use crate::yaml;

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub(super) enum FileError {
    #[error("failed to read {0}")]
    Unreadable(String, #[source] io::Error),
    #[error("failed to parse {0} as YAML")]
    Malformed(String, #[source] yaml::Error),
    #[error("{0}: document {1} is no Kubernetes object; give it an apiVersion, a kind and a metadata.name")]
    NoObject(String, usize),
    #[error("{0}: document {1} is no usable object")]
    BadObject(String, usize, #[source] serde_json::Error),
    #[error("{0}: document {1} has apiVersion {2:?} and kind {3:?}, which no build has a use for; leave it out")]
    OtherKind(String, usize, String, String),
    #[error("{1} and {2} both hold {0}; leave one of them out")]
    Twice(Key, String, String),
    #[error("there is no MachineConfigPool in {0}; add the file with the pool")]
    NoPool(String),
    #[error("the files hold the MachineConfigPools {0}; choose one with --pool")]
    ManyPools(String),
    #[error("there is no MachineConfigPool {0} in {1}; it has to be one of {2}")]
    OtherPool(String, String, String),
    #[cfg(feature = "images")]
    #[error("there is no MachineConfig in {0}; name a file with a rendered one, as `oc get mc NAME -o yaml` prints it")]
    NoMachineConfig(String),
    #[cfg(feature = "images")]
    #[error("{0} holds the MachineConfigs {1}; leave all but one out")]
    ManyMachineConfigs(String, String),
    #[cfg(feature = "images")]
    #[error("{0}: MachineConfig {1}")]
    MachineConfig(String, String, #[source] crate::images::inspect::Error),
    #[error("failed to write {0}")]
    Unwritable(String, #[source] io::Error),
    #[error("{0}: {1}")]
    Fault(String, Box<InputFault>),
}

/// The objects of all files, and which file each is from.
pub(super) struct Documents {
    objects: BTreeMap<Key, (Value, String)>,
    files: String,
}

impl Documents {
    pub(super) fn read(files: &[PathBuf]) -> Result<Self, FileError> {
        let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let mut documents = Self { objects: BTreeMap::new(), files: names.join(", ") };
        for (file, name) in files.iter().zip(names) {
            documents.read_file(file, &name)?;
        }
        Ok(documents)
    }

    fn read_file(&mut self, file: &Path, name: &str) -> Result<(), FileError> {
        let mut text = String::new();
        if file == Path::new("-") {
            io::stdin().read_to_string(&mut text)
        } else {
            std::fs::File::open(file).and_then(|mut file| file.read_to_string(&mut text))
        }
        .map_err(|error| FileError::Unreadable(name.to_owned(), error))?;
        self.add(yaml::parse(&text).map_err(|error| FileError::Malformed(name.to_owned(), error))?, name)
    }

    /// Documents that no file holds: others have made them.
    #[cfg(feature = "images")]
    pub(super) fn of_values(values: Vec<Value>) -> Result<Self, FileError> {
        const PLACE: &str = "the arguments";
        let mut documents = Self { objects: BTreeMap::new(), files: PLACE.to_owned() };
        documents.add(values, PLACE)?;
        Ok(documents)
    }

    fn add(&mut self, documents: Vec<Value>, name: &str) -> Result<(), FileError> {
        let numbered = documents.into_iter().enumerate().filter(|(_, document)| !document.is_null());
        for (number, document) in
            numbered.flat_map(|(number, document)| items(document).map(move |item| (number, item)))
        {
            let key = key_of(&document, name, number + 1)?;
            if let Some((_, other)) = self.objects.insert(key.clone(), (document, name.to_owned())) {
                return Err(FileError::Twice(key, other, name.to_owned()));
            }
        }
        Ok(())
    }

    pub(super) fn pool(&self, wanted: Option<&str>) -> Result<Object, FileError> {
        let pools: Vec<&Key> = self.objects.keys().filter(|key| key.kind == Kind::MachineConfigPool).collect();
        let names = || pools.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(", ");
        let key = match (wanted, pools.as_slice()) {
            (_, []) => return Err(FileError::NoPool(self.files.clone())),
            (None, [only]) => *only,
            (None, _) => return Err(FileError::ManyPools(names())),
            (Some(name), _) => pools
                .iter()
                .find(|key| key.name == name)
                .ok_or_else(|| FileError::OtherPool(name.to_owned(), self.files.clone(), names()))?,
        };
        Ok(to_object(&self.objects[key].0))
    }

    /// All objects of these kinds.
    #[cfg(feature = "simulation")]
    pub(super) fn of_kinds(&self, kinds: &[Kind]) -> Vec<Object> {
        let found = self.objects.iter().filter(|(key, _)| kinds.contains(&key.kind));
        found.map(|(_, (document, _))| to_object(document)).collect()
    }

    /// The only MachineConfig, and its name.
    #[cfg(feature = "images")]
    pub(super) fn machine_config(&self) -> Result<(&str, &Value), FileError> {
        let is_one = |key: &Key| key.kind == Kind::MachineConfig;
        let found: Vec<_> = self.objects.iter().filter(|(key, _)| is_one(key)).collect();
        match found.as_slice() {
            [] => Err(FileError::NoMachineConfig(self.files.clone())),
            [(key, (document, _))] => Ok((&key.name, document)),
            several => {
                let names: Vec<&str> = several.iter().map(|(key, _)| key.name.as_str()).collect();
                Err(FileError::ManyMachineConfigs(self.files.clone(), names.join(", ")))
            }
        }
    }

    /// Names the file that a MachineConfig is in.
    #[cfg(feature = "images")]
    pub(super) fn machine_config_error(&self, name: &str, error: crate::images::inspect::Error) -> FileError {
        FileError::MachineConfig(self.files.clone(), name.to_owned(), error)
    }

    pub(super) fn request(&self, pool: &Object) -> Result<Arc<BuildRequest>, InputFault> {
        let pool = Pool::new(pool);
        let record = BuildRecord::of(&pool)?;
        let cache = self.cache();
        if pool.rendered().is_empty() {
            return Err(InputFault::new(
                FaultReason::KeyMissing,
                Key::new(Kind::MachineConfigPool, pool.name()),
                Some("spec.configuration.name"),
                "it is missing, so the pool has not been rendered yet",
                "set it to the name of a rendered MachineConfig",
            ));
        }
        match request::wanted(&Sources::read(&cache), &cache, &pool, &record) {
            Wanted::Known(request) => Ok(request),
            Wanted::Faulty(fault) => Err(fault),
            Wanted::Unknown => unreachable!("a file either holds an object or does not"),
        }
    }

    /// What there is to say about keys that no build has a use for.
    pub(super) fn warnings(&self) -> Vec<String> {
        let cache = self.cache();
        let strays = Strays::of(&cache).into_iter().flat_map(|strays| strays.keys);
        let strays = strays.map(|key| {
            format!(
                "ConfigMap {CUSTOM_CONTAINERFILE}: key {key:?}: no MachineConfigPool in the files has that name, so its \
                 text is left out"
            )
        });
        let unknown = sources::unknown_keys(&cache).into_iter().map(|(config_map, key)| {
            format!("ConfigMap {config_map}: key {key:?}: no build has a use for it, so it is left out")
        });
        strays.chain(unknown).collect()
    }

    /// The files as a cluster with nothing else in it, but for the Secrets that the build config names.
    fn cache(&self) -> Cache {
        let mut cache = Cache::default();
        for name in INPUT_CONFIG_MAPS {
            cache.apply(&Change::Gone(Key::new(Kind::ConfigMap, name), None));
        }
        if let Some((config, _)) = self.objects.get(&Key::new(Kind::ConfigMap, BUILD_CONFIG)) {
            for name in sources::secret_names(&to_object(config)) {
                let key = Key::new(Kind::Secret, name);
                cache.apply(&Change::Applied(key.clone(), Arc::new(pull_secret::stand_in(&key.name))));
            }
        }
        for (key, (document, _)) in &self.objects {
            let mut object = to_object(document);
            // Newer than anything that was taken for granted.
            object.metadata.resource_version = Some("1".into());
            cache.apply(&Change::Applied(key.clone(), Arc::new(object)));
        }
        cache
    }

    pub(super) fn objects(&self, request: &BuildRequest, settings: &BuildSettings) -> Result<Vec<Object>, InputFault> {
        if let Some(fault) = metadata::containerfile_fault(request) {
            return Err(fault);
        }
        let machine_config = Key::new(Kind::MachineConfig, &request.inputs.rendered_config);
        let payload = Payload::of_machine_config(&machine_config, &self.objects[&machine_config].0)?;
        let secrets =
            [&request.pull_secret, &request.push_secret].into_iter().filter_map(|secret| secret.canonical.as_ref());
        // To be created they have to be written out.
        let mut objects: Vec<Object> = secrets.map(|secret| secret.expose().clone()).collect();
        objects.dedup_by_key(|secret| secret.metadata.name.clone());
        objects.extend([
            metadata::payload_config_map(request, &payload, DEFAULT_NAMESPACE),
            metadata::containerfile_config_map(request, DEFAULT_NAMESPACE),
            objects::build_object(request, settings),
        ]);
        Ok(objects)
    }

    /// Names the file that a fault is in, or all files where what is missing is in none of them.
    pub(super) fn blame(&self, fault: InputFault) -> FileError {
        let holder = self.objects.iter().find(|(key, _)| **key == fault.object);
        let files = holder.map_or_else(|| self.files.clone(), |(_, (_, file))| file.clone());
        FileError::Fault(files, Box::new(fault))
    }
}

/// The objects of a document: those of a list, or the one that it is.
fn items(mut document: Value) -> impl Iterator<Item = Value> {
    let is_list = document.get("kind").and_then(Value::as_str) == Some("List");
    let items = match document.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) if is_list => items,
        _ => vec![document],
    };
    items.into_iter()
}

fn key_of(document: &Value, file: &str, number: usize) -> Result<Key, FileError> {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (Some(api_version), Some(kind), Some(name)) = (text("/apiVersion"), text("/kind"), text("/metadata/name"))
    else {
        return Err(FileError::NoObject(file.to_owned(), number));
    };
    serde_json::from_value::<Object>(document.clone())
        .map_err(|error| FileError::BadObject(file.to_owned(), number, error))?;
    let key = Kind::ALL.into_iter().find(|known| known.names() == (kind, api_version)).map(|kind| Key::new(kind, name));
    let is_of_use = |key: &Key| match key.kind {
        Kind::ConfigMap => key.is_input_config_map() || key.name == CUSTOM_CONTAINERFILE,
        kind => matches!(kind, Kind::MachineConfigPool | Kind::MachineConfig | Kind::Secret),
    };
    key.filter(is_of_use)
        .ok_or_else(|| FileError::OtherKind(file.to_owned(), number, api_version.to_owned(), kind.to_owned()))
}

fn to_object(document: &Value) -> Object {
    serde_json::from_value(document.clone()).expect("it was read as an object before")
}
