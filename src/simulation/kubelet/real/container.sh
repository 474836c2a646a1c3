#!/bin/bash
# Makes the file system of one container, and becomes its command.
#
# Runs in mount and process namespaces of its own, as their first process. Its argument is the container's directory:
#   environment, command, mounts   what the pod asks for, each ended with a NUL; of a mount: from, to, ro or rw
#   upper, work, root              of the overlay, in which nothing is yet
#   private                        where directories are made that hide the host's
set -euo pipefail

cd "$1"
mapfile -d '' -t environment < environment
mapfile -d '' -t command < command
mapfile -d '' -t mounts < mounts
working_directory=$2

# The host's programs are seen, and nothing that is written reaches it.
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
# An overlay shows one file system: programs may be on others.
for directory in /usr /opt /nix; do
  if mountpoint --quiet "$directory"; then
    mount --rbind -o ro "$directory" "root$directory"
  fi
done

# What a runtime gives every container.
mkdir -p root/proc root/sys root/dev root/.host
mount -t proc proc root/proc
mount --rbind /sys root/sys
mount -t tmpfs -o mode=0755 devices root/dev
mkdir root/dev/pts root/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts root/dev/pts
mount -t tmpfs -o mode=1777 shm root/dev/shm
ln -s pts/ptmx root/dev/ptmx
ln -s /proc/self/fd root/dev/fd
ln -s fd/0 root/dev/stdin
ln -s fd/1 root/dev/stdout
ln -s fd/2 root/dev/stderr
for device in null zero full random urandom tty fuse; do
  if [[ -c /dev/$device ]]; then
    touch "root/dev/$device"
    mount --bind "/dev/$device" "root/dev/$device"
  fi
done
for file in hosts resolv.conf; do
  if [[ -e /etc/$file ]]; then
    cp --dereference --remove-destination "/etc/$file" "root/etc/$file"
  fi
done

# No image has anything in these, and what is in the host's is not the container's business.
for directory in /tmp /var/tmp /run /var/lib/containers; do
  mkdir -p "private$directory" "root$directory"
  mount --bind "private$directory" "root$directory"
done
chmod 1777 private/tmp private/var/tmp

# From here on no path leads back to the host by an absolute link.
cd root
pivot_root . .host
cd /
set -- "${mounts[@]}"
while (($# > 0)); do
  from=/.host$1 to=$2 mode=$3
  shift 3
  if [[ -d $from ]]; then
    mkdir -p "$to"
  else
    mkdir -p "$(dirname "$to")"
    [[ -e $to ]] || touch "$to"
  fi
  mount --bind -o "$mode" "$from" "$to"
done
umount --lazy /.host
rmdir /.host

if [[ -n $working_directory ]]; then
  mkdir -p "$working_directory"
  cd "$working_directory"
fi
exec env -i "${environment[@]}" "${command[@]}"
