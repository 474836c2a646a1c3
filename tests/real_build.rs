//! Real builds: real images, out of real MachineConfigs, on this machine.

mod real;

use real::registry::Registry;

#[test]
#[ignore = "needs root, buildah, docker-registry, skopeo, mmdebstrap and htpasswd"]
fn a_registry_holds_the_base_image() {
    let mut registry = Registry::start();
    let base = registry.push_base_image();
    let digest = registry.digest(&base);
    assert!(digest.starts_with("sha256:"), "{digest}");
    registry.stop();
    registry.resume();
    assert_eq!(registry.digest(&base), digest);
    let large = real::machine_config::large("rendered-large").to_string().len();
    assert!(real::machine_config::LARGE_BYTES - large < 4096, "{large}");
}
