#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same job twice, and on one and two threads: the same bytes, of the model and of the record.
. "$(dirname "$0")/job.sh"
require_fashion

for model in fashion-resnet fashion-mobilenet fashion-vit; do
  quantize "$models/$model.onnx" "$scratch/a.onnx" "record=$scratch/a.json" samples=128
  for threads in 1 2; do
    OMP_NUM_THREADS=$threads quantize "$models/$model.onnx" "$scratch/b.onnx" "record=$scratch/b.json" samples=128
    cmp "$scratch/a.onnx" "$scratch/b.onnx" || fail "$model differs on $threads threads."
    cmp "$scratch/a.json" "$scratch/b.json" || fail "the record of $model differs on $threads threads."
  done
done
