#!/bin/bash
# Hands the digest of the pushed image to the cluster. Runs as the container `wait-for-done` of a build pod,
# which alone holds a token. Ends whether the build succeeds or fails.
set -euo pipefail

# As the first process of a container, this shell would not hear of its end otherwise.
trap 'exit 143' INT TERM

until [[ -e /tmp/done/digest || -e /tmp/done/failed ]]; do
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
