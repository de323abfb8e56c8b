#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every observer: top-1 of W8A8 after 512 images, and its time with 10,000 images over that of running the network as the file
# has it on the same images, in turns. In `meson devenv`:
#
#   tests/bench/observers.sh MODEL..
set -e
fashion=/usr/share/datasets/fashion-mnist
pixels='mean=0.2860 std=0.3530'
train="data=$fashion/train-images-idx3-ubyte.gz"
test="data=$fashion/t10k-images-idx3-ubyte.gz labels=$fashion/t10k-labels-idx1-ubyte.gz"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# seconds NAME COMMAND..: appends to the times of NAME.
seconds ()
{
  name=$1
  shift
  /usr/bin/time -a -o "$scratch/$name" -f %e "$@" >/dev/null
}
least ()
{
  sort -n "$scratch/$1" | head -n 1
}
# shellcheck disable=SC2086  # words
calibrate () # MODEL ALGORITHM SAMPLES
{
  pare run ptq-int8 "model=$1" $train "samples=$3" $pixels "calibration=$2" rounding= "output=$scratch/int8.onnx" >/dev/null
}

for model in "$@"; do
  rm -f "$scratch"/*
  for _ in 1 2 3 4 5; do
    # shellcheck disable=SC2086
    seconds plain pare eval "$model" $train labels=$fashion/train-labels-idx1-ubyte.gz $pixels samples=10000
    for algorithm in minmax moving-average percentile entropy mse hfmg ifmr; do
      # shellcheck disable=SC2086
      seconds $algorithm pare run ptq-int8 "model=$model" $train samples=10000 $pixels calibration=$algorithm rounding= \
        "output=$scratch/int8.onnx"
    done
  done
  for algorithm in minmax moving-average percentile entropy mse hfmg ifmr; do
    calibrate "$model" $algorithm 512
    # shellcheck disable=SC2086
    top1=$(pare eval "$scratch/int8.onnx" $test $pixels --json | sed -n 's/.*"top1" : \([0-9.]*\).*/\1/p')
    printf '| %s | %s | %.2f | %.2f |\n' "$(basename "$model" .onnx)" $algorithm "$top1" "$(echo "scale=4; $(least $algorithm) / $(least plain)" | bc)"
  done
done
