//! The volumes of a pod, as directories of this machine.
//!
//! Volumes filled from objects are in memory, as the kubelet does for Secrets. They are not updated when the objects
//! change: these pods live for minutes. The `sizeLimit` of an emptyDir is not enforced.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use k8s_openapi::api::core::v1::{DownwardAPIVolumeFile, EmptyDirVolumeSource, KeyToPath, Volume, VolumeProjection};

use super::failure::Failure;
use super::host::PodDirectories;
use super::objects::{Contents, Objects, value};
use super::token;

/// The mode of files that do not say.
const MODE_DEFAULT: i32 = 0o644;

/// A volume that can be mounted.
pub(super) struct Mountable {
    pub(super) directory: PathBuf,
    /// Whether the volume is always mounted read-only, whatever the mount says.
    pub(super) is_read_only: bool,
}

/// A file to be created.
struct File {
    path: String,
    mode: i32,
    contents: Vec<u8>,
}

/// Makes the volumes of one pod.
pub(super) struct Volumes<'a> {
    pub(super) objects: &'a Objects<'a>,
    pub(super) directories: &'a PodDirectories,
}

impl Volumes<'_> {
    /// Makes a volume, all of it.
    pub(super) async fn make(&self, volume: &Volume) -> Result<Mountable, Failure> {
        if let Some(source) = &volume.empty_dir {
            return self.empty_directory(&volume.name, source);
        }
        let files = self.files(volume).await?;
        let directory = self.directories.in_memory(&format!("volume-{}", volume.name))?;
        for file in &files {
            write(&directory, file)?;
        }
        Ok(Mountable { directory, is_read_only: true })
    }

    fn empty_directory(&self, name: &str, source: &EmptyDirVolumeSource) -> Result<Mountable, Failure> {
        let name = format!("volume-{name}");
        let directory = match source.medium.as_deref().unwrap_or_default() {
            "" => self.directories.on_disk(&name)?,
            "Memory" => self.directories.in_memory(&name)?,
            other => return Err(Failure::Unsupported(format!("the medium {other} of an emptyDir"))),
        };
        // The kubelet uses this mode too, so that a container can write as any user.
        fs::set_permissions(&directory, fs::Permissions::from_mode(0o777))?;
        Ok(Mountable { directory, is_read_only: false })
    }

    async fn files(&self, volume: &Volume) -> Result<Vec<File>, Failure> {
        if let Some(source) = &volume.config_map {
            let contents = self.objects.config_map(&source.name, source.optional).await?;
            return select("configmap", contents, source.items.as_deref(), source.default_mode, source.optional);
        }
        if let Some(source) = &volume.secret {
            let name = source.secret_name.as_deref().unwrap_or_default();
            let contents = self.objects.secret(name, source.optional).await?;
            return select("secret", contents, source.items.as_deref(), source.default_mode, source.optional);
        }
        if let Some(source) = &volume.downward_api {
            return self.own_fields(source.items.as_deref(), source.default_mode);
        }
        let Some(source) = &volume.projected else {
            return Err(Failure::Unsupported(format!("the kind of volume {}", volume.name)));
        };
        let mut files = Vec::new();
        for projection in source.sources.iter().flatten() {
            files.extend(self.projected(projection, source.default_mode).await?);
        }
        Ok(files)
    }

    async fn projected(&self, projection: &VolumeProjection, mode: Option<i32>) -> Result<Vec<File>, Failure> {
        if let Some(source) = &projection.config_map {
            let contents = self.objects.config_map(&source.name, source.optional).await?;
            return select("configmap", contents, source.items.as_deref(), mode, source.optional);
        }
        if let Some(source) = &projection.secret {
            let contents = self.objects.secret(&source.name, source.optional).await?;
            return select("secret", contents, source.items.as_deref(), mode, source.optional);
        }
        if let Some(source) = &projection.downward_api {
            return self.own_fields(source.items.as_deref(), mode);
        }
        if let Some(source) = &projection.service_account_token {
            let contents = token::fetch(self.objects.client, self.objects.pod, source).await?.into_bytes();
            return Ok(vec![File { path: source.path.clone(), mode: mode.unwrap_or(MODE_DEFAULT), contents }]);
        }
        Err(Failure::Unsupported("a source of a projected volume".to_owned()))
    }

    fn own_fields(&self, items: Option<&[DownwardAPIVolumeFile]>, mode: Option<i32>) -> Result<Vec<File>, Failure> {
        let file = |item: &DownwardAPIVolumeFile| {
            let unsupported = || Failure::Unsupported(format!("what {} is to hold", item.path));
            let field = item.field_ref.as_ref().ok_or_else(unsupported)?;
            let contents = self.objects.field(&field.field_path)?.into_bytes();
            Ok(File { path: item.path.clone(), mode: item.mode.or(mode).unwrap_or(MODE_DEFAULT), contents })
        };
        items.unwrap_or_default().iter().map(file).collect()
    }
}

/// The keys that become files: those that are asked for, or else all.
fn select(
    kind: &'static str,
    contents: Contents,
    items: Option<&[KeyToPath]>,
    mode: Option<i32>,
    optional: Option<bool>,
) -> Result<Vec<File>, Failure> {
    let mode = mode.unwrap_or(MODE_DEFAULT);
    let Some(items) = items else {
        return Ok(contents.into_iter().map(|(path, contents)| File { path, mode, contents }).collect());
    };
    let mut files = Vec::new();
    for item in items {
        if let Some(contents) = value(&contents, kind, &item.key, optional)? {
            let mode = item.mode.unwrap_or(mode);
            files.push(File { path: item.path.clone(), mode, contents: contents.to_vec() });
        }
    }
    Ok(files)
}

fn write(directory: &Path, file: &File) -> Result<(), Failure> {
    let path = Path::new(&file.path);
    if !path.components().all(|part| matches!(part, Component::Normal(_))) || file.path.is_empty() {
        return Err(Failure::Path(file.path.clone()));
    }
    let path = directory.join(path);
    fs::create_dir_all(path.parent().unwrap_or(directory))?;
    let mut opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
    opened.write_all(&file.contents)?;
    opened.set_permissions(fs::Permissions::from_mode(u32::try_from(file.mode).unwrap_or_default()))?;
    Ok(())
}
