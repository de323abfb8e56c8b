#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Takes filters out of fashion-resnet, and prints what docs/measurements.md reports of it: seconds, and top-1 on the 10,000 test
# images, which nothing else looks at. Run in `meson devenv`; takes up to half an hour.
#   tests/bench/filters.sh OUTPUT-FOLDER [JOB..]      jobs: half macs half-trained half-distilled macs-trained control; all unless some are named
set -eu
models=$(dirname "$0")/../models
fashion=/usr/share/datasets/fashion-mnist
output=$1
shift
[ $# -gt 0 ] || set -- half macs half-trained half-distilled macs-trained control
pixels='mean=0.2860 std=0.3530'
images=data=$fashion/train-images-idx3-ubyte.gz
labels=labels=$fashion/train-labels-idx1-ubyte.gz
# Chosen on 5,000 training images that were not trained on: without and with normalization in training.
rates='optimizer=adam learning-rate=0.003 schedule=one-cycle'
normalised='keep-batchnorm=true optimizer=sgd learning-rate=0.03 schedule=one-cycle'
plain='algorithm=bcp reconstruct=false'

# measure NAME RECIPE [PARAMETER..]
measure()
{
  name=$1
  shift
  began=$(date +%s)
  # shellcheck disable=SC2086  # words
  pare run "$@" model="$models/fashion-resnet.onnx" output="$output/$name.onnx" "$images" $pixels >"$output/$name.log" 2>&1
  show "$name" $(($(date +%s) - began))
}

# show NAME SECONDS
show()
{
  # shellcheck disable=SC2086
  top=$(pare eval "$output/$1.onnx" data="$fashion/t10k-images-idx3-ubyte.gz" labels="$fashion/t10k-labels-idx1-ubyte.gz" $pixels)
  echo "$1, $2 s:${top#*:} $(pare inspect "$output/$1.onnx" | sed -n 's/.*quantized), //p')"
}

# Uniform ratios leave 0.25 (0.5) and 0.50 (0.29) of the multiply-accumulates.
for job in "$@"; do
  case $job in
    half)
      # shellcheck disable=SC2086
      measure half-plain sparsify-filter samples=512 ratio=0.5 $plain
      for algorithm in bcp geometric-median taylor lasso reconstruction; do
        measure "half-$algorithm" sparsify-filter samples=512 ratio=0.5 algorithm=$algorithm
      done ;;
    macs)
      # shellcheck disable=SC2086
      measure macs-plain sparsify-filter samples=512 ratio=0.29 $plain
      measure macs-uniform sparsify-filter samples=512 ratio=0.29
      for algorithm in taylor reconstruction output; do
        measure "macs-$algorithm" sparsify-filter samples=512 budget=macs ratio=0.5 algorithm=$algorithm
      done ;;
    half-trained)
      # shellcheck disable=SC2086
      {
        measure half-trained sparsify-filter ratio=0.5 "$labels" epochs=1 $rates
        measure half-normalised sparsify-filter ratio=0.5 "$labels" epochs=1 $normalised
        measure half-plain-trained sparsify-filter ratio=0.5 $plain "$labels" epochs=1 $rates
      } ;;
    half-distilled)
      measure half-reconstruction sparsify-filter samples=512 ratio=0.5
      began=$(date +%s)
      pare launch "onnxloader location=$output/half-reconstruction.onnx ! graphdistiller name=distiller \
          groups=/stem/stem.0/Conv:/fc/Gemm epochs=1 batch-size=64 learning-rate=0.003 schedule=one-cycle ! \
          onnxexporter location=$output/half-distilled.onnx \
        onnxloader location=$models/fashion-resnet.onnx ! graphfuser ! distiller.teacher \
        tensorsrc location=${images#data=} ! tensorizer $pixels ! distiller.tensors" >"$output/half-distilled.log" 2>&1
      show half-distilled $(($(date +%s) - began)) ;;
    macs-trained)
      # shellcheck disable=SC2086
      {
        measure macs-trained sparsify-filter budget=macs ratio=0.5 "$labels" epochs=2 $rates
        measure macs-plain-trained sparsify-filter ratio=0.29 $plain "$labels" epochs=2 $rates
      } ;;
    control)
      for epochs in 1 2; do
        # shellcheck disable=SC2086
        measure "control-$epochs" train "$labels" validate=false weight-decay=0 epochs=$epochs $rates
      done ;;
    *) echo "filters.sh: there is no job '$job'." >&2; exit 1 ;;
  esac
done
