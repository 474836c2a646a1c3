
# Hands the digest of the pushed image to the cluster. Runs as the container `wait-for-done` of a build pod,
# which alone holds a token. Ends whether the push succeeds or fails.

until [[ -e $done_volume/digest || -e $done_volume/failed ]]; do
  ! is_silent "$done_volume" ||
    fail 1 "the container that pushes the image was killed; there is no digest to hand over"
  attended sleep 1
done
[[ ! -e $done_volume/failed ]] || fail 1 "the image was not pushed; there is no digest to hand over"

digest=$(tr -d '[:space:]' < "$done_volume/digest")
[[ $digest =~ ^sha256:[0-9a-f]{64}$ ]] || fail 1 "the push left no digest"
oc create -f - <<< "${DIGEST_MANIFEST//@DIGEST@/$digest}"
