#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What docs/measurements.md reports of decomposition: top-1 on the 10,000 test images, which nothing else looks at,
# multiply-accumulates, processor seconds and peak memory. Run in `meson devenv -C build`.
#   tests/bench/structure-decompose.sh OUTPUT-FOLDER [JOB..]
#   jobs: accuracy, training (after accuracy), seconds; all unless some are named
# `seconds` wants resnet50.onnx in OUTPUT-FOLDER, which tests/bench/export.py OUTPUT-FOLDER makes.
set -eu
models=$(dirname "$0")/../models
fashion=/usr/share/datasets/fashion-mnist
output=$1
shift
[ $# -gt 0 ] || set -- accuracy training seconds
pixels='mean=0.2860 std=0.3530'
images=data=$fashion/train-images-idx3-ubyte.gz
labels=labels=$fashion/train-labels-idx1-ubyte.gz
model=$models/fashion-resnet.onnx

# report NAME: a row of the table of what is in NAME.onnx
report()
{
  # shellcheck disable=SC2086  # two words
  top1=$(pare eval "$output/$1.onnx" data="$fashion/t10k-images-idx3-ubyte.gz" \
    labels="$fashion/t10k-labels-idx1-ubyte.gz" $pixels | sed 's/.*top-1 \([0-9.]*\)%.*/\1/')
  macs=$(pare inspect "$output/$1.onnx" | sed -n 's/.*parameters, \([0-9]*\) MACs.*/\1/p')
  echo "| $1 | $macs | $top1 |"
}

# decompose NAME [PARAMETER..]
decompose()
{
  name=$1
  shift
  # shellcheck disable=SC2086
  pare run decompose model="$model" output="$output/$name.onnx" record="$output/$name.json" $pixels "$@" >"$output/$name.log" 2>&1
  report "$name"
}

# took NAME COMMAND..: processor seconds, seconds and KB
took()
{
  name=$1
  shift
  /usr/bin/time -o "$output/took" -f '%U %S %e %M' "$@" >"$output/$name.log" 2>&1
  awk -v name="$name" '{ printf "| %s | %.1f | %.1f | %d |\n", name, $1 + $2, $3, $4 / 1024 }' "$output/took"
}

for job in "$@"; do
  case $job in
    accuracy)
      pare run fuse model="$model" output="$output/float.onnx" >"$output/float.log" 2>&1
      report float
      decompose uniform policy=uniform method=spatial skip-layers=/stem/stem.0/Conv
      decompose weights
      decompose samples "$images" samples=512
      decompose samples-30 "$images" samples=512 ratio=0.3 ;;
    training)
      for start in float uniform samples; do
        # shellcheck disable=SC2086
        pare run train model="$output/$start.onnx" output="$output/$start-epoch.onnx" "$images" "$labels" $pixels \
          learning-rate=0.002 schedule=cosine weight-decay=0 validate=false >"$output/$start-epoch.log" 2>&1
        report $start-epoch
      done ;;
    seconds)
      took conv-512x512x5x5 "${PARE_BENCH:-build/tests/bench}/decompose-layer" 512 5
      took resnet50 pare run decompose model="$output/resnet50.onnx" output="$output/resnet50-small.onnx"
      took resnet50-all pare run decompose model="$output/resnet50.onnx" output="$output/resnet50-small.onnx" policy=uniform ;;
    *) echo "structure-decompose.sh: there is no job '$job'." >&2; exit 1 ;;
  esac
done
