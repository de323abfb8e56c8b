#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prints what docs/measurements.md reports of weights: for each way to store them the size of the file, top-1 on the 10,000 test
# images, which nothing else looks at, and the loss on them. Activations are calibrated on 512 training images. Run in
# `meson devenv`; takes about ten minutes.
#   tests/bench/weights.sh OUTPUT-FOLDER [MODEL..]      models: resnet mobilenet vit; all unless some are named
set -eu
models=$(dirname "$0")/../models
fashion=/usr/share/datasets/fashion-mnist
output=$1
shift
[ $# -gt 0 ] || set -- resnet mobilenet vit
pixels='mean=0.2860 std=0.3530'
images="data=$fashion/t10k-images-idx3-ubyte.gz"
labels="labels=$fashion/t10k-labels-idx1-ubyte.gz"

# number KEY: the last number under that key of the JSON on standard input.
number() { tr -d '\n' | sed -n "s/.*\"$1\" *: *\([-0-9.eE+]*\).*/\1/p"; }

# report NAME FILE: of a network made from $model.
report()
{
  # shellcheck disable=SC2086  # words
  found=$(pare eval "$2" "$images" "$labels" $pixels --json)
  printf '%s\t%s\t%s\t%s\t%s\n' "$(basename "$model" .onnx)" "$1" "$(wc -c <"$2")" "$(echo "$found" | number top1)" \
    "$(echo "$found" | number loss)"
}

# weights NAME QUANTIZER-SETTINGS: weights alone.
weights()
{
  file=$output/weights.onnx
  # shellcheck disable=SC2086
  gst-launch-1.0 -q onnxloader "location=$model" ! graphfuser ! graphquantizer weights-only=true $2 \
    ! onnxexporter int4=packed "location=$file"
  report "$1" "$file"
}

# all NAME CALIBRATION-BITS QUANTIZER-SETTINGS: weights and activations.
all()
{
  file=$output/all.onnx
  # shellcheck disable=SC2086
  gst-launch-1.0 -q onnxloader "location=$model" ! graphfuser ! graphcalibrator name=c "bits=$2" ! graphquantizer $3 \
    ! onnxexporter int4=packed "location=$file" \
    tensorsrc "location=$fashion/train-images-idx3-ubyte.gz" samples=512 ! tensorizer mean=0.2860 std=0.3530 ! c.tensors
  report "$1" "$file"
}

for name in "$@"; do
  model=$models/fashion-$name.onnx
  gst-launch-1.0 -q onnxloader "location=$model" ! graphfuser ! onnxexporter "location=$output/float.onnx"
  report float "$output/float.onnx"
  weights 'W8 alone' bits=8
  weights 'W4 alone' bits=4
  weights 'W4 alone, groups of 32' 'bits=4 group-size=32'
  for algorithm in minmax arq mse gain; do
    all "W4A8 $algorithm" 8 "bits=4 weight-algorithm=$algorithm"
  done
  all 'W4A8, groups of 32' 8 'bits=4 group-size=32'
  all W8A8 8 bits=8
  all W8A16 16 'bits=8 activation-bits=16'
done
