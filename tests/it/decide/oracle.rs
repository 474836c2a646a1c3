//! The inputs that a pool wants built, read from the objects independently of `reconcile::inputs::request`.

use machine_os_builder::api::{Kind, Object, Pool, names};
use machine_os_builder::reconcile::inputs::build_inputs::BuildInputs;
use machine_os_builder::reconcile::pool::record::BuildRecord;

use super::POOL;

/// The inputs of the build that is wanted; `None` if they cannot be used, or nothing is wanted.
pub(super) fn inputs<'o>(get: impl Fn(Kind, &str) -> Option<&'o Object>) -> Option<BuildInputs> {
    let pool = Pool::new(get(Kind::MachineConfigPool, POOL)?);
    let value = |map: &str, key: &str| get(Kind::ConfigMap, map)?.data["data"][key].as_str();
    let sound = |text: &&str| !text.is_empty() && !text.contains('\n');
    let images = "machine-config-osimageurl";
    let (rendered, target) = (pool.rendered(), value("on-cluster-build-config", "finalImagePullspec")?);
    if !rendered.starts_with("rendered-") || target == "typo" {
        return None;
    }
    get(Kind::MachineConfig, rendered)?;
    get(Kind::Secret, "pull")?;
    get(Kind::Secret, "push")?;
    Some(BuildInputs {
        rendered_config: rendered.to_owned(),
        base_image: value(images, "baseOSContainerImage").filter(sound)?.to_owned(),
        extensions_image: value(images, "baseOSExtensionsContainerImage").map(str::to_owned),
        release_version: value(images, "releaseVersion").filter(sound)?.to_owned(),
        custom_containerfile: value("on-cluster-build-custom-dockerfile", POOL).map(names::sha256_hex),
        repository: target.split_once(":").map_or(target, |(repository, _)| repository).to_owned(),
        generation: BuildRecord::of(&pool).ok()?.generation,
    })
}
