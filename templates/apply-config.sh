# Applies the config of a MachineConfig to the base OS: a step of the stage `configs`.
#
# Ignition asks systemd for its version over D-Bus where a unit of a template is to be enabled or disabled, and in a
# build there is no systemd to ask. So such units are enabled here, in the words of Ignition: a line for each template
# and state, with all instances.
current=/etc/machine-config-daemon/currentconfig
preset=/etc/systemd/system-preset/20-ignition.preset
config=$(mktemp)
of_template='def is_of_template: (.enabled | type) == "boolean" and (.name | type) == "string" and (.name | test("^[^@]*@.*[.][^.]*$"));'
jq -e .spec.config "$current" > "$config.asked" || { echo "the MachineConfig has no spec.config, which is what is applied" >&2; exit 1; }
jq "$of_template"' if (.systemd.units? | type) == "array" then .systemd.units |= map(if is_of_template then del(.enabled) else . end) else . end' "$config.asked" > "$config"
presets=$(jq -r "$of_template"' [.systemd.units[]? | select(is_of_template) | .enabled as $enabled | .name | capture("^(?<prefix>[^@]*@)(?<instance>.*)(?<suffix>[.][^.]*)$") | {state: (if $enabled then "enable" else "disable" end), template: (.prefix + .suffix), instance}] | group_by([.state != "enable", .template]) | .[] | "\(.[0].state) \(.[0].template) \(map(.instance) | join(" "))"' "$config.asked")
(export container=oci; exec -a ignition-apply /usr/lib/dracut/modules.d/30ignition/ignition --ignore-unsupported "$config")
if [[ -n $presets ]]; then
  mkdir -p "${preset%/*}"
  echo "$presets" >> "$preset"
fi
rm "$config" "$config.asked"
ostree container commit
