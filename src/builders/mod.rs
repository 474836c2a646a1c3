//! The backends that run a build: each makes the object that runs it, and says how that object is doing.
//!
//! Pure, both ways. A new backend is a file here that implements [`ImageBuilder`], and its line in [`ALL`].

pub mod openshift;
pub mod pod;

pub use crate::plan::builder::{BUILDER_IMAGE_DEFAULT, BuildSettings, ImageBuilder};

use crate::api::{Kind, Object, keys, names};
use crate::plan::objects;
use crate::plan::request::BuildRequest;

/// Every backend; the first is the one that is used unless `imageBuilderType` asks for another.
pub static ALL: [&dyn ImageBuilder; 2] = [&pod::PodBuilder, &openshift::OpenShiftBuilder];

/// The backend whose objects are of `kind`.
pub fn for_kind(kind: Kind) -> Option<&'static dyn ImageBuilder> {
    ALL.into_iter().find(|builder| builder.kind() == kind)
}

/// A build object with nothing in it yet: its name, its labels, and the inputs that it is made from.
fn build_object(kind: Kind, request: &BuildRequest, settings: &BuildSettings) -> Object {
    let name = names::build(&request.inputs.rendered_config);
    let mut object = Object::new(&name, &kind.resource());
    object.metadata = objects::metadata(request, name, &settings.namespace);
    let inputs = serde_json::to_string(&request.inputs).expect("inputs have string keys only");
    object.metadata.annotations.get_or_insert_default().insert(keys::INPUTS.to_owned(), inputs);
    object
}
