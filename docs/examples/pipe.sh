#!/bin/sh
# pipe.sh STATE TOPIC...: one command an event, from a pipe.
#
# The position in STATE moves when the loop below has read the lines, and not before: if it dies, what it had not read
# comes again. What it had read and not handled is its own to remember: here the last id it was done with. The pipe has
# a name so that this very shell reads it: when the shell is killed, `tip sub` ends at once, and the lock on STATE is free.
set -eu
state=$1
shift
rm -f "$state.pipe"
mkfifo -m 600 "$state.pipe"
tip sub --durable pipe --state "$state" -o ndjson "$@" >"$state.pipe" &
while IFS= read -r line; do
    case $line in
        '{"gap"'*) printf 'pipe.sh: %s\n' "$line" >&2 ;; # the journal itself has lost something
        *) printf '%s\n' "$line" ;; # whatever is to be done with an event
    esac
done <"$state.pipe"
wait "$!" # its exit code is ours
