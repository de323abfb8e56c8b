#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Weights of 4, 8 and 16 bits, alone and with activations, per channel and per group, stored as they are and packed: ONNX
# Runtime gets from the exported file what we get from it. Weights alone leave only float rounding between the two;
# where activations are rounded, a number on the edge between two steps falls on either side.
. "$(dirname "$0")/job.sh"
require_fashion

# compare MODEL LEAST PROPERTIES [EXPORTER'S]: decibels of agreement on 200 images are at least LEAST.
compare()
{
  case $3 in
  *weights-only=true*) set -- "$1" "$2" "$3" "${4:-}" '' ;;
  *) set -- "$1" "$2" "$3" "${4:-}" "graphcalibrator name=c ! " \
    "tensorsrc location=$train samples=64 ! tensorizer mean=0.2860 std=0.3530 ! c.tensors" ;;
  esac
  # shellcheck disable=SC2086  # words
  launch onnxloader "location=$models/$1.onnx" ! graphfuser ! $5 graphquantizer $3 \
    ! onnxexporter $4 "location=$scratch/q.onnx" "record=$scratch/q.json" ${6:-}
  launch onnxloader "location=$scratch/q.onnx" ! graphrunner name=r ! fakesink async=false sync=false \
    tensorsrc "location=$test_images" samples=200 ! tensorizer mean=0.2860 std=0.3530 ! r.tensors \
    r.results ! tensorsink "location=$scratch/logits.npy"
  # shellcheck disable=SC2086  # two words
  decibels=$(judge agree "$scratch/q.onnx" "$scratch/logits.npy" "data=$test_images" $pixels samples=200) || exit $?
  bytes=$(wc -c <"$scratch/q.onnx")
  echo "$1, $3 $4: $bytes bytes, $decibels"
  decibels=$(echo "$decibels" | number sqnr)
  holds "${decibels:-1000} >= $2" || fail "ONNX Runtime computes something else: $decibels dB."
}

# MODEL LEAST: of weights alone.
for_model()
{
  compare "$1" "$2" 'weights-only=true'
  eight=$bytes
  compare "$1" "$2" 'weights-only=true bits=4'
  compare "$1" "$2" 'weights-only=true bits=4' int4=packed
  [ "$bytes" -lt $((eight * 7 / 10)) ] || fail 'packed weights are hardly smaller than those of 8 bits.'
  compare "$1" 100 'weights-only=true bits=4 group-size=24' int4=packed
  compare "$1" 50 'bits=4 group-size=32' int4=packed
  compare "$1" 80 'activation-bits=16'
  compare "$1" 80 'activation-bits=16 bits=16'
  compare "$1" 80 'activation-bits=16 bits=16 symmetric=true'
}

for_model fashion-resnet 100
# ONNX Runtime gives products with such weights to a kernel that rounds their data to 8 bits itself (MatMulNBits).
for_model fashion-vit 40
