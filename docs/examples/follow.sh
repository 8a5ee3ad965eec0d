#!/bin/sh
# follow.sh DIR NAME TOPIC...: appends events to DIR/events.ndjson for ever, and misses none.
#
# `tip sub --durable` reads the journal itself, so there is nothing to notice or repair here: what the feed would lose
# never travels over it. It ends when the broker is away for long or its own disk is full; then it is started again and
# goes on where DIR/position says. In the output lines beginning with {"gap" say what the journal has lost.
set -eu
dir=$1 name=$2
shift 2
while :; do
    code=0
    tip sub --durable "$name" --state "$dir/position" -o ndjson "$@" >>"$dir/events.ndjson" || code=$?
    case $code in
        130) exit 0 ;;                                               # somebody pressed Ctrl-C, or said SIGTERM
        2 | 5) exit "$code" ;;                                       # no sense (or no position), or not allowed
        3) echo "follow.sh: something was lost: grep '{\"gap' $dir/events.ndjson" >&2 ;;
    esac
    sleep 1
done
