#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
@MARK@
#
# CRIU calls this at each stage of a dump or a restore. A dump notes the generation beside its images. A restore bumps
# above it once the files are open again and before anything restored runs; unless this ends with 0, it is aborted.
#
# A container that sees nothing of the device but the directory of one domain has that one bumped. What it sees, the kernel
# says, in mountinfo.
#
# Both need no JVM where the daemon is ours: its file "generation" is read, and written. Whatever does not work in that
# way is left to the command, which also says what is wrong.

case ${CRTOOLS_SCRIPT_ACTION-} in
  post-dump | post-restore) ;;
  *) exit 0 ;;
esac

device=@DEVICE@
note=${CRTOOLS_IMAGE_DIR-}/sysgenid.generation
target=$(readlink -f -- "$device" 2>/dev/null) && directory=${target%/*} generation=$directory/generation || generation=

own='' seen=''
if [ -n "$generation" ]; then
  while read -r _ _ number root point rest; do
    case "$root $point ${rest##* - }" in "/ $directory fuse.sysgenid "*) own=$number ;; esac
  done </proc/self/mountinfo
fi
if [ -n "$own" ] && [ -r "/proc/${CRTOOLS_INIT_PID-}/mountinfo" ]; then
  while read -r _ _ number root _; do
    [ "$number" = "$own" ] || continue
    root=${root#/}
    case ${root%%/*} in
      '' | sysgenid | generation | watchers | sources | *[!A-Za-z0-9._-]*) seen=machine/ ;;
      *) [ -z "$seen" ] && seen=${root%%/*} || [ "$seen" = "${root%%/*}" ] || seen=several/ ;;
    esac
    case $seen in */) break ;; esac
  done <"/proc/$CRTOOLS_INIT_PID/mountinfo"
fi
case $seen in
  '' | machine/) ;;
  several/) generation= ;;
  *) generation=$directory/$seen/generation ;;
esac

if [ -n "$generation" ] && [ -f "$generation" ]; then
  case $CRTOOLS_SCRIPT_ACTION in
    post-dump) cat -- "$generation" 2>/dev/null >"$note" && exit 0 ;;
    post-restore)
      if [ ! -e "$note" ]; then
        wish=0
      elif read -r dumped <"$note"; then
        case $dumped in
          '' | *[!0-9]* | 0?* | ???????????*) wish= ;;
          *) wish=$((dumped + 1)) ;;
        esac
      else
        wish=
      fi
      [ -n "$wish" ] && { echo "$wish" >"$generation"; } 2>/dev/null && exit 0
      ;;
  esac
fi

exec @COMMAND@ hook criu --device "$device" @OPTIONS@
