#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
@MARK@
#
# CRIU calls this at each stage of a dump or a restore. A dump notes the generation beside its images. A restore bumps
# above it once the files are open again and before anything restored runs; unless this ends with 0, it is aborted.
#
# Both need no JVM where the daemon is ours: its file "generation" is read, and written. Whatever does not work in that
# way is left to the command, which also says what is wrong.

case ${CRTOOLS_SCRIPT_ACTION-} in
  post-dump | post-restore) ;;
  *) exit 0 ;;
esac

device=@DEVICE@
note=${CRTOOLS_IMAGE_DIR-}/sysgenid.generation
target=$(readlink -f -- "$device" 2>/dev/null) && generation=${target%/*}/generation || generation=

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
