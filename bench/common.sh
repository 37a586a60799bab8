# SPDX-License-Identifier: Apache-2.0
# What bench/run and bench/java have in common; sourced by them. They set here, root, target, sysgenid and command_line.

fail() { # CODE MESSAGE REMEDY
  printf '%s: %s\n  %s\n' "bench/${0##*/}" "$2" "$3" >&2
  exit "$1"
}

require_root() {
  [ "$(id -u)" = 0 ] || fail 77 'only root can measure: the daemon mounts the device' "sudo $command_line"
  command -v unshare >/dev/null || fail 69 'there is no unshare' 'apt install util-linux'
}

# Builds the benchmarks in Java, and the program whose daemon is measured.
build_java() {
  (cd "$root" && ./mvnw -q -B -pl bench -am -Dmaven.test.skip=true -Dspotless.check.skip package)
  "$sysgenid" --version >&2 # builds what is stale
  # The build above may have made newer jars than the launcher's AOT cache was made for.
  if [ -z "${SYSGENID-}" ] && [ -n "$(find "$root/cli/target/lib" -name '*.jar' -newer "$root/cli/target/sysgenid.aot")" ]
  then
    rm -f "$root/cli/target/sysgenid.stamp"
    "$sysgenid" --version >&2
  fi
}

start_daemon() {
  "$sysgenid" serve --no-supervise --mount "$mount" --device none >"$work/log" 2>&1 &
  daemon=$!
  tries=0
  until [ -e "$device" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 600 ] || ! kill -0 "$daemon" 2>/dev/null; then
      cat "$work/log" >&2
      fail 1 'the daemon does not serve' 'its own words are above; see ./sysgenid doctor'
    fi
    sleep 0.05
  done
  cp "/proc/$daemon/cmdline" "$work/command"
}

stop_daemon() {
  kill "$daemon"
  wait "$daemon" || :
  daemon=
}

# The rows of a report's first table; began and load were noted when the measuring began.
describe_run() {
  cat <<EOT
| | |
|---|---|
| machine | $(nproc) x $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GiB$(grep -q '^flags.* hypervisor' /proc/cpuinfo && printf ', a virtual machine') |
| kernel | $(uname -sr) |
| Java | $("$JAVA_HOME/bin/java" -version 2>&1 | sed -n 2p) |
| commit | $(git -C "$root" describe --always --dirty 2>/dev/null || printf unknown) |
| date | $(date -u '+%Y-%m-%d %H:%M UTC'), $(($(date +%s) - began)) s |
| load before | $load (more than 0.5 for the first number: not a quiet machine) |
EOT
}
