
# Pushes one image. Runs as the container `image-push` of a build pod, which alone has the credentials for that, and in
# which nothing runs that users wrote.
#
# Whatever escaped from a step may have written to the layout's volume: nothing of it is used but a copy of the image,
# once all of the copy is seen to be one. What is pushed then is an image, and not a file of this container; and its
# digest is the one that this container's push says.
#
# Reads   /tmp/image-layout/layout, and the credentials in /tmp/final-image-push-creds; outside a pod, PUSH_DESTINATION
#         says where the image goes instead of to its registry
# Leaves  the digest as its termination message; where a helper waits for it, the digest in /tmp/done/digest, or
#         /tmp/done/failed
# Exits   1 there is no image, 40 push failed, 41 push denied, 42 push cannot succeed

readonly push_auth=$files/final-image-push-creds/config.json
readonly blobs=blobs/sha256
# A name of its own, as buildah names an image by the directory that it is read from.
readonly copy=image-to-push

wait_for_layout() {
  until [[ -d $layout_volume/layout ]]; do
    [[ ! -e $layout_volume/failed ]] || fail 1 "the image was not built; nothing is pushed"
    ! is_silent "$layout_volume" || fail 1 "the container that builds the image was killed; nothing is pushed"
    attended sleep 1
  done
}

refuse() {
  fail 42 "failed to push $FINAL_IMAGE: what the build left is not an image: $*"
}

# Copies files of a directory of the layout, or all of them. The directory is entered first, and seen to be where it
# should be: its path may lead elsewhere a moment later.
# Usage: take DIRECTORY TO [FILE...]
take() {
  local directory=$1 to=$2 root file
  shift 2
  root=$(cd -P "$layout_volume" && pwd -P) && cd -P "$root/$directory" && [[ $(pwd -P) == "$root/$directory" ]] || return 3
  for file in "$@"; do
    [[ -e $file ]] || return 3
  done
  cp --recursive --no-dereference -- "${@:-.}" "$to/" || return 4
}

# Makes sure that each blob is what its name says, and that there is nothing else.
check_copy() {
  local found name sum
  found=$(find "$copy" ! -type f ! -type d -print -quit) && [[ -z $found ]] || refuse "$found is not a regular file"
  found=$(find "$copy/blobs" -mindepth 2 ! -type f -print -quit) && [[ -z $found ]] || refuse "$found is a directory"
  (cd "$copy/$blobs" && find . -type f -exec sha256sum {} +) > sums || refuse "it cannot be read"
  while read -r sum name; do
    [[ $name == "./$sum" ]] || refuse "blob $name has another content"
  done < sums
  [[ -s sums ]] || refuse "it has no blobs"
}

take_layout() {
  local found code=0
  found=$(find "$layout_volume/layout" ! -type f ! -type d -print -quit) && [[ -z $found ]] ||
    refuse "$found is not a regular file"
  mkdir -p "$copy/$blobs"
  attended take layout "$work/$copy" oci-layout index.json &&
    attended take "layout/$blobs" "$work/$copy/$blobs" || code=$?
  case $code in
    0) check_copy ;;
    3) refuse "a part of it is missing, or elsewhere" ;;
    *) fail 40 "failed to copy the image for its push; is there room for it?" ;;
  esac
}

import() {
  buildah pull --quiet "oci:$copy" > image
}

hand_over() {
  # The image is pushed: from here on nothing may make the build a failed one.
  cp digest "$termination_log" || echo "failed to leave the digest as the termination message" >&2
  if [[ -d $done_volume ]]; then
    # Moved into place in one step: the helper must not see half of it.
    cp digest "$done_volume/.digest" && mv "$done_volume/.digest" "$done_volume/digest" ||
      echo "failed to leave the digest for the helper" >&2
  fi
}

if [[ -d $done_volume ]]; then
  live_in "$done_volume"
fi
make_room push
cd "$work"
wait_for_layout
take_layout
persistently 40 42 42 "read the image for its push" import
image=$(< image)
[[ $image =~ ^[0-9a-f]{64}$ ]] || refuse "it has no name"
rm -rf "$copy"
persistently 40 41 42 "push $FINAL_IMAGE" \
  buildah push --authfile "$push_auth" --digestfile "$work/digest" "$image" "${PUSH_DESTINATION:-docker://$FINAL_IMAGE}"
hand_over
if [[ -n ${BUILD_FILES-} ]]; then
  # On a machine of a user's, the image keeps the name that it was built with.
  attended buildah rmi "localhost/$copy" > /dev/null 2>&1 || true
fi
