#!/bin/bash
# What the scripts of a build pod have in common: this text comes before each of them.
#
# A container leaves its marks where another container reads them: `alive`, whose time is renewed for as long as it
# lives, and `failed`. It leaves its last words as its termination message.
set -euo pipefail

# Lines are cut at a number of bytes.
export LC_ALL=C

# Outside a pod, BUILD_FILES says where the volumes are that a pod has in /tmp.
readonly files=${BUILD_FILES:-/tmp}
readonly termination_log=${TERMINATION_LOG:-/dev/termination-log}
readonly layout_volume=$files/image-layout
readonly done_volume=$files/done
readonly tries=5
readonly heartbeat_s=10
# A container that was killed says nothing more, and leaves nothing.
readonly silence_max_s=${SILENCE_MAX_S:-60}

# Lines of output that are kept for last words, and bytes of each.
readonly lines_kept=40
readonly line_bytes_max=400
readonly cause_bytes_max=280

# The directory in which this container leaves its marks, if it leaves any.
marks=
work=
output=
heartbeat=

finish() {
  local code=$?
  rm -rf "${work:-/nonexistent}" "${output:-/nonexistent}"
  if [[ -n $heartbeat ]]; then
    kill "$heartbeat" 2> /dev/null || true
  fi
  if [[ $code -ne 0 && -n $marks ]]; then
    touch "$marks/failed" 2> /dev/null || true
  fi
  exit "$code"
}
trap finish EXIT
# As the first process of a container, this shell would not hear of its end otherwise.
trap 'exit 143' INT TERM

# Says from now on, in a directory, that this container lives.
live_in() {
  marks=$1
  while touch "$marks/alive" && sleep "$heartbeat_s"; do :; done > /dev/null 2>&1 &
  heartbeat=$!
}

# Whether another container has lived, and does no more. Before it has begun there is nothing to tell that by: the
# deadline of the pod bounds how long it is waited for.
is_silent() {
  local heard
  heard=$(stat --format %Y "$1/alive" 2> /dev/null) || return 1
  (($(date +%s) - heard > silence_max_s))
}

# Makes a directory for what only this container reads, and a file in memory, as a disk may be full, for last words.
make_room() {
  work=$(mktemp -d "${BUILD_FILES:-${TMPDIR:-/tmp}}/$1.XXXXXX")
  output=$(mktemp "/dev/shm/$1.XXXXXX" 2> /dev/null) || output=$work/output
}

# Runs a command in the background, and waits: while one is in the foreground, no trap is run.
attended() {
  "$@" &
  wait "$!"
}

# Leaves the middle out of a text that is longer than so many bytes. Words stay whole where there are several: a part of
# a password could not be told from any other word, and is shown.
shorten() {
  local text=$1 max=$2 head tail to from
  if ((${#text} > max)); then
    to=$((max * 2 / 5)) from=$((${#text} - max * 3 / 5))
    head=${text:0:to} tail=${text:from}
    [[ ${text:to:1} == [[:space:]] ]] || head=${head%[[:space:]]*}
    [[ ${text:from - 1:1} == [[:space:]] ]] || tail=${tail#*[[:space:]]}
    # Never a part of a character.
    while [[ ${#head} -eq $to && $head == *[$'\x80'-$'\xbf'] ]]; do head=${head%?} to=$((to - 1)); done
    [[ ${#head} -ne $to ]] || head=${head%[$'\xc0'-$'\xff']}
    while [[ $tail == [$'\x80'-$'\xbf']* ]]; do tail=${tail#?}; done
    text="$head … $tail"
  fi
  printf '%s\n' "$text"
}

# Removes the environment of a stage from an error of buildah: there may be passwords in it.
without_environment() {
  local text=$1 rest
  if [[ $text == *Env:\[* ]]; then
    rest=${text#*Env:\[}
    if [[ $rest == *'] Command:'* ]]; then
      rest="] Command:${rest##*'] Command:'}"
    elif [[ $rest == *']'* ]]; then
      rest="]${rest##*']'}"
    else
      rest=]
    fi
    text="${text%%Env:\[*}Env:[…$rest"
  fi
  printf '%s\n' "$text"
}

# Passes output on, and keeps its last lines. What buildah says of a step holds the whole text of the step, and is
# shortened.
follow() {
  local line
  local -a kept=()
  while IFS= read -r line || [[ -n $line ]]; do
    case $line in
      *Env:\[*) line=$(shorten "$(without_environment "$line")" "$line_bytes_max") ;;
      STEP\ * | \[*\]\ STEP\ * | Error:\ *) ((${#line} <= line_bytes_max)) || line=$(shorten "$line" "$line_bytes_max") ;;
    esac
    printf '%s\n' "$line"
    kept+=("$line")
    if ((${#kept[@]} >= 2 * lines_kept)); then
      kept=("${kept[@]: -lines_kept}")
    fi
  done
  printf '%s\n' "${kept[@]}" > "$output" || true
}

noted() {
  "$@" 2>&1 | follow
}

# The last error of buildah in its output, to the end of that, on one line.
last_error() {
  local text
  text=$'\n'$(< "$output")
  [[ $text == *$'\nError: '* ]] || return 0
  text=${text##*$'\nError: '}
  printf '%s\n' "${text//$'\n'/ }"
}

# The line in the output that says best why a command failed.
last_cause() {
  local line space='no space left on device'
  line=$(grep -i "$space" "$output" | tail -n 1) || line=$(last_error)
  [[ -n $line ]] || line=$(grep -v '^[[:space:]]*$' "$output" | tail -n 1) || true
  line=${line#Error: }
  # First, as the end of a long line may not be seen.
  if [[ ${line,,} == *"$space"* && ${line,,} != "$space"* ]]; then
    line="$space: $line"
  fi
  shorten "$line" "$cause_bytes_max"
}

# Ends this container with the code, and with the words as its last; further lines are for the termination message alone.
# Usage: fail CODE WORDS [LINE...]
fail() {
  local code=$1 words=$2
  shift
  printf '%s\n' "$words" >&2
  { printf '%s\n' "$@" > "$termination_log"; } 2> /dev/null || true
  exit "$code"
}

# What buildah says of the answers of registries, and of proxies before them: a status, or the registry's error code or
# its text at the start of a part of the error. Looser words would be found in the names of hosts and images. Where a
# registry uses a code that is not buildah's, or none, buildah says `unknown`, and the text alone tells what it means.
# The daemon reads the errors of a Build by the same rules, in src/reconcile/objects/answers.rs.
readonly answered='(status( ?code)?( from registry)?:?|parsing HTTP)' end='(:|\]|$)' uncoded=': unknown: .*\b'
# The registry is busy or out of order. That it is full (507) does not pass.
readonly outage="$answered (408|425|429|50[0-689]|5[1-9][0-9])\b|: (toomanyrequests|too many requests|unavailable)\b"\
"|: unknown: unknown error$|${uncoded}(rates?|throttl\w*|too many|temporar\w*|slow down|time(d)? ?out|deadline exceeded"\
"|connection (refused|reset)|no such host|EOF|bad gateway|internal( server)? error|unavailable)\b"
# A tag that must stay as it is, or a registry that is full or only read; some call it `denied`.
readonly fixed_or_full='(^|[ ,])(immutable|immutability)($|[ ,.])|cannot be overwritten|does not allow updating'\
'|configured upper limit|\bquota\b|read[- ]only mode'
# The credentials, or who sends the request, may not do this.
readonly denial="(^|: )(unauthorized|denied)$end|: unauthorized to access |(^|: )unable to retrieve auth token: invalid"\
"|: (forbidden|proxy authentication required)$end|(^|: )authentication required$end"\
"|: requested access to the resource is denied|access to the (requested )?resource is (denied|not authorized)"\
"|$answered 40[137]\b|${uncoded}(not permitted|not allowed|not authorized|forbidden|permissions?|access denied"\
"|credentials?|authenticat\w*|unauthorized|token|username|password)\b"
# Words that mean that the registry is busy where they are not about a tag, storage or credentials.
readonly busy="${uncoded}(limit(s|ed)?|try again)\b"
# What is asked for is not there, or cannot be taken.
readonly hopeless="$answered (4[0-9][0-9]|507)\b|: (name|manifest)[ _]unknown$end|: (name|manifest|tag) invalid$end"\
"|: unsupported$end|: the operation is unsupported|: repository name not known to registry|: unknown: ."\
"|: (invalid repository name|manifest tag did not match URI)|: x509: |: http: server gave HTTP response to HTTPS client"\
"|: tls: (first record does not look like a TLS handshake|failed to verify certificate|handshake failure)"\
"|: tls: server selected unsupported protocol version|: remote error: tls: (bad certificate|certificate required"\
"|handshake failure|(unknown|expired|revoked|unsupported) certificate|unknown certificate authority|unrecognized name"\
"|protocol version not supported|access denied)|\binvalid reference format\b|did not resolve to an alias"\
"|: no image found in (image index|manifest list) for|: source image rejected: "

# The answers in an error, without what may be the name of an image, host, blob or tag.
answers() {
  sed -E -e 's/"[^"]*"//g' -e 's/(manifest|blob|layer) [^ ]+ (in|to|at) /\1 /g' -e "s/'[^' ]*'//g" \
    -e 's#[^ ]*/[^ ]*[^ :]#x#g' -e 's/\b(in|at|registry|lookup) [^ ]*[.:][^ ]*[^ :]/\1 x/g'
}

# Reads an error, and says why it is not mended by trying again: `denied`, `hopeless`, or nothing.
verdict_on() {
  local said
  said=$(answers)
  if grep -qiE "$outage" <<< "$said"; then
    return 0
  elif grep -qiE "$fixed_or_full" <<< "$said"; then
    echo hopeless
  elif grep -qiE "$denial" <<< "$said"; then
    echo denied
  elif grep -qiE "$busy" <<< "$said"; then
    return 0
  elif grep -qiE "$hopeless" <<< "$said"; then
    echo hopeless
  fi
}

# The same of the last error. Where mirrors were asked too, one that may answer later is enough.
verdict() {
  local error mirrors
  error=$(last_error)
  error=": ${error:-$(tail -n 5 "$output")}"
  if [[ $error =~ \(Mirrors\ also\ failed:\ (.*)\]\):\  ]]; then
    mirrors=${BASH_REMATCH[1]}
    error=${error#*"$mirrors]): "}
    [[ -n $(verdict_on <<< ": $mirrors") ]] || return 0
    error=": $error"
  fi
  verdict_on <<< "$error"
}

# Runs a command until it succeeds, waiting longer each time, but not where trying again mends nothing.
# Usage: persistently FAILED_CODE DENIED_CODE HOPELESS_CODE WHAT COMMAND...
persistently() {
  local failed_code=$1 denied_code=$2 hopeless_code=$3 what=$4 try wait=1
  shift 4
  for ((try = 1; try <= tries; try++)); do
    if attended noted "$@"; then
      return 0
    fi
    case $(verdict) in
      denied) fail "$denied_code" "failed to $what: access denied: $(last_cause)" ;;
      hopeless) fail "$hopeless_code" "failed to $what: to try again would not help: $(last_cause)" ;;
    esac
    if ((try < tries)); then
      echo "failed to $what (try $try of $tries); trying again in ${wait}s" >&2
      attended sleep "$wait"
      wait=$((wait * 2))
    fi
  done
  fail "$failed_code" "failed to $what: gave up after $tries tries: $(last_cause)"
}
