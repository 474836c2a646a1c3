#!/bin/bash
# Hands the digest of the pushed image to the cluster. Runs as the container `wait-for-done` of a build pod,
# which alone holds a token. Ends whether the build succeeds or fails.
set -euo pipefail

# As the first process of a container, this shell would not hear of its end otherwise.
trap 'exit 143' INT TERM

# The other container says that it lives for as long as it does; one that was killed says nothing more, and leaves
# nothing. Before it has begun there is nothing to wait for it with: whoever made the pod bounds that.
readonly silence_max_s=${SILENCE_MAX_S:-60}

is_silent() {
  local heard
  heard=$(stat --format %Y /tmp/done/alive 2> /dev/null) || return 1
  (($(date +%s) - heard > silence_max_s))
}

until [[ -e /tmp/done/digest || -e /tmp/done/failed ]]; do
  if is_silent; then
    echo "the container that builds the image was killed; there is no digest to hand over" >&2
    exit 1
  fi
  sleep 1
done
if [[ -e /tmp/done/failed ]]; then
  echo "the image was not built; there is no digest to hand over" >&2
  exit 1
fi

digest=$(tr -d '[:space:]' < /tmp/done/digest)
if [[ ! $digest =~ ^sha256:[0-9a-f]{64}$ ]]; then
  echo "the build left no digest" >&2
  exit 1
fi
oc create -f - <<< "${DIGEST_MANIFEST//@DIGEST@/$digest}"
