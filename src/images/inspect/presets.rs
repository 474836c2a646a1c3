//! The preset file that Ignition writes (systemd.preset(5)): `enable` or `disable`, a unit, and the instances of a
//! template.

/// Where Ignition writes it.
pub(super) const PATH: &str = "/etc/systemd/system-preset/20-ignition.preset";

/// Whether the first line that matches `unit` enables it.
pub(super) fn state(presets: &str, unit: &str) -> Option<bool> {
    let (name, instance) = template(unit).unwrap_or_else(|| (unit.to_owned(), None));
    presets.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let enabled = match words.next()? {
            "enable" => true,
            "disable" => false,
            _ => return None,
        };
        if words.next() != Some(name.as_str()) {
            return None;
        }
        let instances: Vec<&str> = words.collect();
        let is_about = instance.is_none_or(|instance| instances.is_empty() || instances.contains(&instance));
        is_about.then_some(enabled)
    })
}

/// The template of an instance, `a@.service` of `a@b.service`, and the instance; a template is no instance.
fn template(unit: &str) -> Option<(String, Option<&str>)> {
    let (prefix, rest) = unit.split_once('@')?;
    let (instance, suffix) = rest.rsplit_once('.')?;
    Some((format!("{prefix}@.{suffix}"), Some(instance).filter(|instance| !instance.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_about_a_unit_counts() {
        // As Ignition 2.14 writes it, the two spaces where a template and its instances are enabled included.
        let presets = "enable a.service\nenable b@.service  x y\ndisable b@.service z\n# c\ndisable a.service\n\
                       disable d.service\nenable e@.socket\n";
        for (unit, expected) in [
            ("a.service", Some(true)),
            ("b@x.service", Some(true)),
            ("b@y.service", Some(true)),
            ("b@z.service", Some(false)),
            ("b@.service", Some(true)),
            ("b@w.service", None),
            ("d.service", Some(false)),
            ("e@any.socket", Some(true)),
            ("c", None),
            ("a", None),
        ] {
            assert_eq!(state(presets, unit), expected, "{unit}");
        }
    }
}
