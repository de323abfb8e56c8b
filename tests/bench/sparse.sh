#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Makes the reference models 2:4 sparse, and prints what docs/measurements.md reports of it: seconds, and top-1 on the 10,000
# test images, which nothing else looks at. Run in `meson devenv`; takes up to a quarter of an hour.
#   tests/bench/sparse.sh OUTPUT-FOLDER [MODEL..]      models: resnet mobilenet; both unless some are named
# Weights are chosen by 512 training images. What is trained is trained for one epoch on all of them, the dense network too.
set -eu
models=$(dirname "$0")/../models
fashion=/usr/share/datasets/fashion-mnist
output=$1
shift
[ $# -gt 0 ] || set -- resnet mobilenet
pixels='mean=0.2860 std=0.3530'
images=data=$fashion/train-images-idx3-ubyte.gz
labels=labels=$fashion/train-labels-idx1-ubyte.gz
training='schedule=cosine learning-rate=0.002'

top1()
{
  # shellcheck disable=SC2086  # two words
  pare eval "$1" data="$fashion/t10k-images-idx3-ubyte.gz" labels="$fashion/t10k-labels-idx1-ubyte.gz" $pixels \
    | sed 's|^[^:]*: ||'
}

# measure NAME RECIPE [PARAMETER..]
measure()
{
  name=$1
  shift
  began=$(date +%s)
  pare run "$@" output="$output/$name.onnx" record="$output/$name.json" >"$output/$name.log" 2>&1
  echo "$name, $(($(date +%s) - began)) s: $(top1 "$output/$name.onnx"), $(pare inspect "$output/$name.onnx" | grep -c '2:4') layers 2:4"
}

# Plain magnitude leaves the order of channels alone.
for model in "$@"; do
  dense=model=$models/fashion-$model.onnx
  echo "$model: $(top1 "$models/fashion-$model.onnx")"
  measure "$model-magnitude" sparsify-2of4 "$dense" permute=false
  measure "$model-permuted-magnitude" sparsify-2of4 "$dense"
  # shellcheck disable=SC2086
  {
    for algorithm in wanda sparsegpt obc; do
      measure "$model-$algorithm" sparsify-2of4 "$dense" "$images" samples=512 $pixels algorithm=$algorithm
    done
    measure "$model-obc-trained" sparsify-2of4 "$dense" "$images" "$labels" $pixels $training
    measure "$model-dense-trained" train "$dense" "$images" "$labels" $pixels $training batch-size=128 validate=false weight-decay=0
    measure "$model-magnitude-trained" sparsify-2of4 "$dense" "$images" "$labels" $pixels $training algorithm=magnitude permute=false
  }
done
