#!/bin/bash
# Builds and pushes one layered OS image. Runs as the container `image-build` of a build pod.
#
# Reads   /tmp/machineconfig, /tmp/dockerfile, and the credentials in /tmp/*-creds; outside a pod, BUILD_FILES says
#         where they are instead of /tmp, and PUSH_DESTINATION where the image goes instead of to its registry
# Leaves  the digest as its termination message; where a helper waits for it, the digest in /tmp/done/digest, or
#         /tmp/done/failed, and in /tmp/done/alive when it last was
# Exits   10 bad payload, 20 build failed, 30 base image pull failed, 31 pull denied, 40 push failed, 41 push denied
set -euo pipefail

readonly files=${BUILD_FILES:-/tmp}
readonly done_dir=$files/done
readonly termination_log=${TERMINATION_LOG:-/dev/termination-log}
readonly pull_auth=$files/base-image-pull-creds/config.json
readonly push_auth=$files/final-image-push-creds/config.json
readonly tries=5
readonly heartbeat_s=10
# How registries say no, as buildah passes it on: error codes at the start of a message, and statuses. Looser words
# would be found in the names of hosts and images, and in local errors.
readonly denial='(^|: )(unauthorized|denied): |authentication required|invalid username/password'\
'|access to the (requested )?resource is (denied|not authorized)|status( code( from registry)?)?:? 40[13]\b'

work=
heartbeat=

finish() {
  local code=$?
  rm -rf "${work:-/nonexistent}"
  if [[ -n $heartbeat ]]; then
    kill "$heartbeat" 2> /dev/null || true
  fi
  if [[ $code -ne 0 && -d $done_dir ]]; then
    touch "$done_dir/failed"
  fi
  exit "$code"
}
trap finish EXIT
# As the first process of a container, this shell would not hear of its end otherwise.
trap 'exit 143' INT TERM

# Runs a command in the background, and waits: while one is in the foreground, no trap is run.
attended() {
  "$@" &
  wait "$!"
}

noted() {
  "$@" 2>&1 | tee "$work/output"
}

fail() {
  local code=$1
  shift
  echo "$*" >&2
  exit "$code"
}

# Runs a command until it succeeds, waiting longer each time, but not once access was denied.
# Usage: persistently FAILED_CODE DENIED_CODE WHAT COMMAND...
persistently() {
  local failed_code=$1 denied_code=$2 what=$3 try wait=1
  shift 3
  for ((try = 1; try <= tries; try++)); do
    if attended noted "$@"; then
      return 0
    fi
    if grep -qiE "$denial" "$work/output"; then
      fail "$denied_code" "failed to $what: access denied"
    fi
    if ((try < tries)); then
      echo "failed to $what (try $try of $tries); trying again in ${wait}s" >&2
      attended sleep "$wait"
      wait=$((wait * 2))
    fi
  done
  fail "$failed_code" "failed to $what: gave up after $tries tries"
}

if [[ -d $done_dir ]]; then
  while touch "$done_dir/alive" && sleep "$heartbeat_s"; do :; done > /dev/null 2>&1 &
  heartbeat=$!
fi

work=$(mktemp -d "${BUILD_FILES:-${TMPDIR:-/tmp}}/build.XXXXXX")
context="$work/context"
mkdir -p "$context/machineconfig"
cp "$files/machineconfig/machineconfig.json.gz" "$context/machineconfig/" ||
  fail 10 "failed to read the MachineConfig: there is no payload"
base64 -d "$context/machineconfig/machineconfig.json.gz" | gunzip | grep -c '"config"' > /dev/null ||
  fail 10 "failed to read the MachineConfig: the payload is damaged"

for image in "$BASE_IMAGE" ${EXTENSIONS_IMAGE:+"$EXTENSIONS_IMAGE"}; do
  persistently 30 31 "pull $image" buildah pull --policy missing --authfile "$pull_auth" "$image"
done

attended buildah build --pull=missing --authfile "$pull_auth" --file "$files/dockerfile/Dockerfile" \
  --tag "$FINAL_IMAGE" "$context" || fail 20 "failed to build the image"

persistently 40 41 "push $FINAL_IMAGE" \
  buildah push --authfile "$push_auth" --digestfile "$work/digest" "$FINAL_IMAGE" \
  ${PUSH_DESTINATION:+"$PUSH_DESTINATION"}

# The image is pushed: from here on nothing may make the build a failed one.
cp "$work/digest" "$termination_log" || echo "failed to leave the digest as the termination message" >&2
if [[ -d $done_dir ]]; then
  # Moved into place in one step: the helper must not see half of it.
  cp "$work/digest" "$done_dir/.digest" && mv "$done_dir/.digest" "$done_dir/digest" ||
    echo "failed to leave the digest for the helper" >&2
fi
