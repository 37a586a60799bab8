#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
@MARK@
#
# CRIU calls this at each stage of a dump or a restore. A dump notes the generation beside its images. A restore bumps
# above it once the files are open again and before anything restored runs; unless this ends with 0, it is aborted.
#
# It is about what the processes see, and what they see, the kernel says, in mountinfo: a container with nothing of the device
# but the directory of one domain has that one bumped; whoever sees the machine's whole directory, the machine and each domain.
# The note is the highest generation of all of these, and none of them is at that one or below it after the restore.
#
# Both need no JVM where the daemon is ours: its files "generation" are read, and written. Whatever does not work in that
# way is left to the command, which also says what is wrong.

case ${CRTOOLS_SCRIPT_ACTION-} in
  post-dump | post-restore) ;;
  *) exit 0 ;;
esac

device=@DEVICE@
note=${CRTOOLS_IMAGE_DIR-}/sysgenid.generation
target=$(readlink -f -- "$device" 2>/dev/null) && directory=${target%/*} || directory=

# Names beside the machine's device; the machine itself is a dot, and comes first.
names='' machine='' all='' own=''
see() { case " $names " in *" $1 "*) ;; *) names="$names $1" ;; esac; }
if [ -n "$directory" ]; then
  while read -r _ _ number root point rest; do
    case "$root $point ${rest##* - }" in "/ $directory fuse.sysgenid "*) own=$number ;; esac
  done </proc/self/mountinfo
fi
if [ -n "$own" ] && [ -r "/proc/${CRTOOLS_INIT_PID-}/mountinfo" ]; then
  while read -r _ _ number root _; do
    [ "$number" = "$own" ] || continue
    root=${root#/}
    case ${root%%/*} in
      '') machine=. all=yes ;;
      sysgenid | generation | watchers | sources | health | .* | *[!A-Za-z0-9._-]*) machine=. ;;
      *) see "${root%%/*}" ;;
    esac
  done <"/proc/$CRTOOLS_INIT_PID/mountinfo"
  if [ -n "$all" ]; then
    for path in "$directory"/*/; do
      path=${path%/}
      [ ! -d "$path" ] || see "${path##*/}"
    done
  fi
  names="$machine $names"
fi
case $names in *[!\ ]*) ;; *) names=. ;; esac

show_highest() {
  highest=
  for name in $names; do
    [ -e "$directory/$name/generation" ] || [ "$name" = . ] || [ -z "$machine" ] || continue # removed meanwhile
    read -r generation <"$directory/$name/generation" || return 1
    # Above 4294967295 there is none: it counts where no other is seen.
    case $highest,$generation in
      ,* | 4294967295,*) highest=$generation ;;
      *,4294967295) ;;
      *) [ "$generation" -le "$highest" ] || highest=$generation ;;
    esac
  done
  echo "$highest"
}

bump_above() { # $1: the noted generation, or nothing
  [ -n "$1" ] && wish=$(($1 + 1)) || wish=0
  bumped=
  for name in $names; do
    if [ -n "$bumped" ]; then # and with the machine, each domain
      [ -n "$1" ] && [ -e "$directory/$name/generation" ] || continue
      read -r generation <"$directory/$name/generation" || return 1
      [ "$generation" -le "$1" ] || continue
    fi
    echo "$wish" >"$directory/$name/generation" || return 1
    [ "$name" != . ] || bumped=yes
  done
}

if [ -n "$directory" ] && [ -f "$directory/generation" ]; then
  case $CRTOOLS_SCRIPT_ACTION in
    post-dump)
      # The directory may be anybody's: what is written is a new file, which then takes the place of whatever is there.
      fresh=$note.$$
      { highest=$(show_highest) && echo "$highest" | dd of="$fresh" conv=excl && mv -fT -- "$fresh" "$note"; } 2>/dev/null &&
        exit 0
      rm -f -- "$fresh"
      ;;
    post-restore)
      if [ ! -e "$note" ] && [ ! -L "$note" ]; then
        { bump_above ''; } 2>/dev/null && exit 0
      else
        # No link is followed, and a pipe is not waited for.
        dumped=$(dd if="$note" iflag=nofollow,nonblock bs=64 count=1 2>/dev/null)
        case $dumped in
          '' | *[!0-9]* | 0?* | ???????????*) ;;
          *) { bump_above "$dumped"; } 2>/dev/null && exit 0 ;;
        esac
      fi
      ;;
  esac
fi

exec @COMMAND@ hook criu --device "$device" @OPTIONS@
