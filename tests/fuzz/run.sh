#!/bin/sh
# run.sh TARGET FOUND SEEDS MAX_LEN SECONDS: fuzz for some seconds; TIP_SEED makes it repeatable.
set -eu
target=$1 found=$2 seeds=$3 max_len=$4 seconds=$5
seed=${TIP_SEED:-1}

mkdir -p "$found"
echo "TIP_SEED=$seed"
exec "$target" "-seed=$((seed % 4294967295))" "-max_len=$max_len" "-max_total_time=$seconds" -timeout=10 \
    -rss_limit_mb=1024 "-artifact_prefix=$found-" -verbosity=0 -print_final_stats=1 "$found" "$seeds"
