
# Builds one layered OS image, and leaves it as an OCI layout. Runs as the container `image-build` of a build pod, in
# which steps run that users wrote: there is nothing in it that may push.
#
# Reads   /tmp/machineconfig, /tmp/dockerfile, and the credentials in /tmp/base-image-pull-creds
# Leaves  the image in /tmp/image-layout/layout, or /tmp/image-layout/failed
# Exits   10 bad payload, 20 build failed, 30 base image pull failed, 31 pull denied, 32 pull cannot succeed

readonly pull_auth=$files/base-image-pull-creds/config.json

# Checks the payload, and puts it into the build's context.
take_payload() {
  local payload=$files/machineconfig/machineconfig.json.gz context=$1
  [[ -e $payload ]] || fail 10 "failed to read the MachineConfig: there is no payload at $payload"
  mkdir -p "$context/machineconfig" && cp "$payload" "$context/machineconfig/" ||
    fail 10 "failed to read the MachineConfig: the payload cannot be copied; is there room for it?"
  base64 -d "$payload" 2> /dev/null | gunzip 2> /dev/null > /dev/null ||
    fail 10 "failed to read the MachineConfig: the payload is damaged: it is not base64 of a gzip file"
  base64 -d "$payload" | gunzip | grep -c '"config" *: *{' > /dev/null ||
    fail 10 "failed to read the MachineConfig: it has no spec.config, which is what is applied; render the pool again"
}

# What steps may use of open files: what this container may. Of its own accord buildah asks for more, as root, and not
# every root may have it.
open_files() {
  local soft hard
  soft=$(ulimit -Sn) hard=$(ulimit -Hn)
  if [[ $soft =~ ^[0-9]+$ && $hard =~ ^[0-9]+$ ]]; then
    echo "--ulimit=nofile=$soft:$hard"
  fi
}

build() {
  buildah build --pull=missing --authfile "$pull_auth" --file "$files/dockerfile/Dockerfile" --tag "$FINAL_IMAGE" \
    $(open_files) "$1"
}

# Whether buildah's last error is that a command of a step failed, whose output says why.
is_of_a_command() {
  [[ $1 == *"while running runtime: exit status "* || $1 =~ :\ exit\ status\ [0-9]+$ ]]
}

# What the last step printed, without what buildah adds.
step_output() {
  local line
  local -a said=()
  while IFS= read -r line; do
    case $line in
      STEP\ * | \[*\]\ STEP\ *) said=() ;;
      "" | time=\"* | "subprocess exited with status "* | "--> "* | "COMMIT "*) ;;
      *) said+=("$line") ;;
    esac
  done < "$output"
  # The last error is buildah's own.
  if [[ ${#said[@]} -gt 0 && ${said[-1]} == "Error: "* ]]; then
    unset 'said[-1]'
  fi
  [[ ${#said[@]} -eq 0 ]] || printf '%s\n' "${said[@]}"
}

# Lines that tell of an error; those of them that only announce or count errors; and advice, which may be the last that is
# printed. The daemon goes by the same, in src/reconcile/decide/cause.rs.
readonly told_error="\b(\w*error|\w*exception|fail(ed|ure)?|fatal|critical|cannot|can't|could not|unable|denied|unauthorized"\
"|forbidden|not found|not permitted|no such|no match|unknown|invalid|refused|rejected|timed? ?out|timeout|deadline|x509"\
"|no space|more space|quota|out of memory|oom|killed|exceed(ed|s)?|too (large|many|long)|panic(ked)?|traceback|missing"\
"|unrecogni[sz]ed|unsupported|conflict(s|ing)?|does not|doesn't|is not|bad|broken|corrupt(ed)?|nothing provides)\b"
readonly weak_error='(:$|^make(\[[0-9]+\])?: \*\*\* |^(- )?Problem( [0-9]+)?: |^compilation terminated|\b(no|[0-9]+) errors?\b'\
'|^\[?(warn(ing)?|info|note|notice|debug)\b)'
readonly advice='^(\(try to add .*|you can try to add .*|--skip-[^ ]+ to .*|error summary|-+|error:'\
'|npm (err!|error) (code .*|errno .*|syscall .*|a complete log of this run .*|\s*/.*)'\
'|\[error\](\s+(\[help [0-9]+\].*|-> \[help.*|to see the full .*|re-run maven .*|for more information .*'\
'|after correcting .*))?|at [[:alnum:]_.$<>/]+\(.*\)|file ".*", line [0-9]+.*)$'

# The line of a step's output that says best why the step failed.
cause_of_step() {
  local lines told errors
  lines=$(sed -E 's/^[[:space:]]+//; s/[[:space:]]+$//')
  told=$(grep -viE "$advice" <<< "$lines") || told=$lines
  errors=$(grep -iE "$told_error" <<< "$told") || errors=$told
  lines=$(grep -viE "$weak_error" <<< "$errors") || lines=$errors
  lines=${lines##*$'\n'}
  printf '%s\n' "${lines#- }"
}

# Ends with what a step, or buildah, said last.
fail_of_build() {
  local error cause said line
  error=$(last_error) cause=$(last_cause)
  local -a lines=()
  if is_of_a_command "${error%%$'\n'*}"; then
    said=$(step_output | tail -n 20)
    if [[ $cause != "no space left on device"* && -n $said ]]; then
      cause=$(cause_of_step <<< "$said")
      cause=$(shorten "$cause" "$cause_bytes_max")
    fi
    while IFS= read -r line; do
      [[ -z $line ]] || lines+=("$(shorten "$line" 120)")
    done < <(tail -n 3 <<< "$said")
    lines+=("$(shorten "Error: ${error%%$'\n'*}" 240)")
  fi
  fail 20 "failed to build the image: $cause" "${lines[@]}"
}

# Makes sure that the image is made from the stage `configs`: all that is pushed has its labels.
check_labels() {
  local label expected found
  for label in machineconfig machineconfigpool; do
    [[ $label == machineconfig ]] && expected=$RENDERED_CONFIG || expected=$POOL
    found=$(buildah inspect --type image --format "{{index .OCIv1.Config.Labels \"$label\"}}" "$FINAL_IMAGE") ||
      fail 20 "failed to build the image: its labels cannot be read"
    [[ $found == "$expected" ]] ||
      fail 20 "failed to build the image: the last stage of the Containerfile is not made from configs: the image's \
label $label is \"$(shorten "$found" 80)\", and not \"$expected\"; begin the last stage with FROM configs, and leave its \
labels as they are"
  done
}

# From within the directory, as buildah takes no colon in a path.
leave() {
  cd "$layout_volume" && buildah push "$FINAL_IMAGE" oci:unfinished:final
}

if [[ -d $layout_volume ]]; then
  live_in "$layout_volume"
fi
make_room build
take_payload "$work/context"

for image in "$BASE_IMAGE" ${EXTENSIONS_IMAGE:+"$EXTENSIONS_IMAGE"}; do
  persistently 30 31 32 "pull $image" buildah pull --policy missing --authfile "$pull_auth" "$image"
done
attended noted build "$work/context" || fail_of_build
check_labels

attended noted leave || fail 20 "failed to leave the image for its push: $(last_cause)"
# In one step: nothing may be taken for whole that is not.
mv "$layout_volume/unfinished" "$layout_volume/layout"

# The push needs the room. On a machine of a user's, images are kept for the next build.
if [[ -z ${BUILD_FILES-} ]]; then
  attended buildah rmi --all --force > /dev/null 2>&1 || true
fi
