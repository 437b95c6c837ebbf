#!/bin/bash
# The machine's limits by `gemma4 bench --limits` and by two other programs, run alternately; the best of five each.
# usage: compare_limits.sh GEMMA4_BINARY FOLDER   (FOLDER has read_bandwidth.cpp and peak_ops.cpp)
set -eu
gemma4=$1
folder=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

compiler=${CXX:-g++}
"$compiler" -O3 -march=native -pthread "$folder/read_bandwidth.cpp" -o "$dir/read"
"$compiler" -O3 -march=native -pthread -funroll-loops "$folder/peak_ops.cpp" -o "$dir/peaks"
peaks=("$dir/peaks")
if grep -qw avx2 /proc/cpuinfo; then  # what a CPU without AVX-512 would print
  "$compiler" -O3 -march=x86-64-v3 -pthread -funroll-loops "$folder/peak_ops.cpp" -o "$dir/peaks-avx2"
  peaks+=("$dir/peaks-avx2")
fi

for round in 1 2 3 4 5; do
  echo "round $round" >&2
  "$gemma4" bench --limits --repeat 4 --threads 2 |
    awk 'NF > 3 && $NF ~ /P?\/s$/ { n = $1; for (i = 2; i < NF - 2; ++i) n = n " " $i; print n ":1 " $(NF - 2); print n ":2 " $(NF - 1) }' |
    sed 's/ \([0-9.]*\)$/=\1/' >>"$dir/ours"
  for threads in 1 2; do
    "$dir/read" $threads | sed -n "s/^T=\([0-9]*\) read \([0-9.]*\) GB.*/read:\1=\2/p" >>"$dir/theirs"
  done
  for run in 1 2 3 4; do
    for program in "${peaks[@]}"; do
      "$program" | sed -n 's/ *T=\([0-9]*\) \([0-9.]*\) GOP.*/:\1=\2/p' >>"$dir/theirs"
    done
  done
done

awk -F= '
  FNR == NR { if ($2 > ours[$1]) ours[$1] = $2; next }
  { if (!($1 in theirs)) order[++n] = $1; if ($2 > theirs[$1]) theirs[$1] = $2 }
  END {
    printf "%-34s %9s %9s %8s\n", "limit:threads", "ours", "theirs", "ours/theirs"
    for (i = 1; i <= n; ++i) printf "%-34s %9.1f %9.1f %8.3f\n", order[i], ours[order[i]], theirs[order[i]], ours[order[i]] / theirs[order[i]]
  }' "$dir/ours" "$dir/theirs"
