#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sparsity and INT8 together, on fashion-resnet: prints what docs/measurements.md reports of it. Top-1 is of the 10,000 test
# images, which nothing else looks at; what is trained is trained on all training images. Run in `meson devenv`; takes up to half
# an hour. ONNX Runtime is where PARE_JUDGE says.
#   tests/bench/combine.sh OUTPUT-FOLDER [JOB..]      jobs: 2of4 filter; both unless some are named
set -eu
tests=$(dirname "$0")/..
model=$tests/models/fashion-resnet.onnx
fashion=/usr/share/datasets/fashion-mnist
output=$1
shift
[ $# -gt 0 ] || set -- 2of4 filter
pixels='mean=0.2860 std=0.3530'
images=data=$fashion/train-images-idx3-ubyte.gz
labels=labels=$fashion/train-labels-idx1-ubyte.gz
test="data=$fashion/t10k-images-idx3-ubyte.gz labels=$fashion/t10k-labels-idx1-ubyte.gz $pixels"
training_2_epochs='epochs=2 batch-size=64 learning-rate=0.005'

# report NAME: top-1 here and in ONNX Runtime, bytes, layers that are 2:4, and how much faster than the float model it runs.
report()
{
  # shellcheck disable=SC2086  # two words
  {
    here=$(pare eval "$output/$1.onnx" $test --json | sed -n 's/.*"top1" : \([0-9.]*\).*/\1/p')
    there=$(node "$tests/judge/judge.mjs" eval "$output/$1.onnx" $test)
  }
  faster=$(node "$tests/judge/judge.mjs" time "$model" "$output/$1.onnx" size=28 seconds=4)
  printf '%s, %s s: top-1 %.2f, ONNX Runtime %s, %s bytes, %s layers 2:4, %s\n' "$1" "$2" "$here" "$there" \
    "$(stat -c %s "$output/$1.onnx")" "$(pare inspect "$output/$1.onnx" | grep -c ' 2:4$')" "$faster"
}

# measure NAME RECIPE [PARAMETER..]
measure()
{
  name=$1
  shift
  began=$(date +%s)
  # shellcheck disable=SC2086
  pare run "$@" model="$model" output="$output/$name.onnx" record="$output/$name.json" "$images" "$labels" $pixels \
    >"$output/$name.log" 2>&1
  report "$name" $(($(date +%s) - began))
}

cp "$model" "$output/float.onnx"
report float 0
for job in "$@"; do
  case $job in
    2of4)
      measure 2of4-int8 combine mode=2:4 simulated="$output/2of4-int8-simulated.onnx"
      report 2of4-int8-simulated 0
      measure 2of4-int8-magnitude combine mode=2:4 sparsify-algorithm=magnitude
      measure float-1-epoch train epochs=1 learning-rate=0.002 batch-size=64 schedule=cosine validate=false weight-decay=0 ;;
    filter)
      # shellcheck disable=SC2086  # several words
      {
        measure filter-int8 combine mode=filter budget=macs ratio=0.5 $training_2_epochs
        measure filter-int8-uniform combine mode=filter budget=filters ratio=0.3 sparsify-algorithm=bcp \
          sparsifier.reconstruct=false $training_2_epochs
        measure float-2-epochs train $training_2_epochs schedule=cosine validate=false weight-decay=0
      } ;;
    *) echo "combine.sh: there is no job '$job'." >&2; exit 1 ;;
  esac
done
