#!/bin/sh
# guard.sh DIRECTORY TOKEN
#
# The other end of a rig's life line. Standard input is a pipe whose writing end the process that
# started the rig holds open. It closes when the rig is stopped and also when that process dies in
# any way, SIGKILL included; then everything the rig started is ended and its directory removed.
#
# What the rig started is known by two things: the pids recorded in DIRECTORY/pids, and TOKEN in the
# environment of a process. The token is unique to one rig and is given to its daemons alone, so it
# marks exactly them and what they start themselves (services activated by the D-Bus daemon).
trap '' INT TERM HUP
directory=$1
token=$2
cat >/dev/null

# Prints the pids that are still the rig's. The environment of a zombie reads empty, so a process
# that has ended and waits for its parent does not count.
list_own() {
  {
    grep -lszxF "MINIAV_RIG_TOKEN=$token" /proc/[0-9]*/environ | cut -d/ -f3
    while read -r pid start name; do
      # Field 22 of /proc/PID/stat is the start time, proc(5); a pid used again has another one.
      [ "$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | cut -d' ' -f20)" = "$start" ] &&
        ! grep -qs '^State:.Z' "/proc/$pid/status" && echo "$pid"
    done <"$directory/pids"
  } | sort -un
}

signal_own() {
  for pid in $(list_own); do
    # A stopped process (SIGSTOP is one of the faults tests inject) must run to take the signal.
    kill "-$1" "$pid" 2>/dev/null
    kill -CONT "$pid" 2>/dev/null
  done
}

signal_own TERM
tries=0
while [ -n "$(list_own)" ] && [ "$tries" -lt 100 ]; do
  sleep 0.02
  tries=$((tries + 1))
done
signal_own KILL
tries=0
while [ -n "$(list_own)" ] && [ "$tries" -lt 100 ]; do
  sleep 0.02
  tries=$((tries + 1))
done

# The document portal leaves a FUSE mount at $XDG_RUNTIME_DIR/doc.
while read -r _ _ _ _ mount _; do
  case $mount in
    "$directory"/*) fusermount3 -u -z "$mount" 2>/dev/null || umount -l "$mount" 2>/dev/null ;;
  esac
done </proc/self/mountinfo
rm -rf --one-file-system "$directory"
