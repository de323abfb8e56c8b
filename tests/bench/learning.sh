#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Trains, and prints what docs/measurements.md reports of it: seconds, and top-1 on the 10,000 test images, which nothing
# else looks at. Run in `meson devenv`; takes up to half an hour.
#   tests/bench/learning.sh OUTPUT-FOLDER [JOB..]      jobs: ptq qat8 qat4 keep8 keep4 qat2 distill scratch; all unless some are
#   named
# `scratch` starts from OUTPUT-FOLDER/scratch.onnx, which tests/bench/scratch.py OUTPUT-FOLDER makes.
set -eu
models=$(dirname "$0")/../models
fashion=/usr/share/datasets/fashion-mnist
output=$1
shift
[ $# -gt 0 ] || set -- ptq qat8 qat4 keep8 keep4 qat2 distill scratch
pixels='mean=0.2860 std=0.3530'
images=data=$fashion/train-images-idx3-ubyte.gz
labels=labels=$fashion/train-labels-idx1-ubyte.gz

# measure NAME RECIPE [PARAMETER..]
measure()
{
  name=$1
  shift
  began=$(date +%s)
  # shellcheck disable=SC2086  # two words
  pare run "$@" output="$output/$name.onnx" record="$output/$name.json" "$images" $pixels >"$output/$name.log" 2>&1
  ended=$(date +%s)
  # shellcheck disable=SC2086
  pare eval "$output/$name.onnx" data="$fashion/t10k-images-idx3-ubyte.gz" labels="$fashion/t10k-labels-idx1-ubyte.gz" \
    $pixels | sed "s|^[^:]*|$name, $((ended - began)) s|"
}

for job in "$@"; do
  case $job in
    ptq)
      for model in resnet mobilenet; do
        measure "ptq-w4a4-$model" ptq-int8 model="$models/fashion-$model.onnx" samples=512 calibrator.bits=4 quantizer.bits=4 \
          quantizer.activation-bits=4
      done ;;
    qat8)
      measure qat-w8a8-resnet qat-int8 model="$models/fashion-resnet.onnx" "$labels"
      measure qat-w8a8-mobilenet qat-int8 model="$models/fashion-mobilenet.onnx" "$labels"
      measure qat-w8a8-vit qat-int8 model="$models/fashion-vit.onnx" "$labels" optimizer=adamw learning-rate=0.0001 ;;
    qat4)
      for model in resnet mobilenet; do
        measure "qat-w4a4-$model" qat-int8 model="$models/fashion-$model.onnx" "$labels" epochs=3 bits=4 activation-bits=4
      done ;;
    keep8)
      for model in resnet mobilenet; do
        measure "keep-w8a8-$model" qat-int8 model="$models/fashion-$model.onnx" "$labels" keep-batchnorm=true
      done ;;
    keep4)
      for model in resnet mobilenet; do
        measure "keep-w4a4-$model" qat-int8 model="$models/fashion-$model.onnx" "$labels" epochs=3 bits=4 activation-bits=4 \
          keep-batchnorm=true
      done ;;
    qat2) measure qat-w2a4-resnet qat-int8 model="$models/fashion-resnet.onnx" "$labels" epochs=3 bits=2 activation-bits=4 ;;
    distill)
      for model in resnet mobilenet; do
        measure "distill-w4a4-$model" distill model="$models/fashion-$model.onnx" samples=5000 bits=4 activation-bits=4
      done ;;
    scratch)
      measure from-scratch train model="$output/scratch.onnx" "$labels" epochs=8 batch-size=128 learning-rate=0.1 \
        nesterov=true ;;
    *) echo "learning.sh: there is no job '$job'." >&2; exit 1 ;;
  esac
done
