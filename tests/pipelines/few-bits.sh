#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Four bits for weights and activations: ONNX Runtime executes what we export on integers, and gets what we get.
. "$(dirname "$0")/job.sh"
require_fashion
model=$models/fashion-resnet.onnx
data="data=$test_images labels=$test_labels $pixels samples=2000"

for form in qdq fakequant; do
  launch onnxloader "location=$model" ! graphfuser ! graphcalibrator name=c bits=4 \
    ! graphquantizer bits=4 activation-bits=4 ! onnxexporter "location=$scratch/$form.onnx" "form=$form" \
    tensorsrc "location=$train" samples=512 ! tensorizer mean=0.2860 std=0.3530 ! c.tensors
done

# shellcheck disable=SC2086  # words
{
  float=$("$PARE" eval "$model" $data --json | number top1)
  ours=$("$PARE" eval "$scratch/qdq.onnx" $data --json | number top1)
  simulated=$("$PARE" eval "$scratch/fakequant.onnx" $data --json | number top1)
  theirs=$(judge eval "$scratch/qdq.onnx" $data) || exit $?
}
theirs=$(echo "$theirs" | number top1)
layers=$(judge operators "$scratch/qdq.onnx" | number QLinearConv)

echo "float $float; 4 bits: $ours stored, $simulated simulated, $theirs in ONNX Runtime; $layers convolutions on integers"
holds "$ours == $simulated" || fail 'stored and simulated integers do not agree.'
holds "$ours - $theirs < 0.11 && $theirs - $ours < 0.11" || fail 'ONNX Runtime gets something else.'
holds "$ours >= $float - 4" || fail 'four bits lose more than 4 points.'
holds "$ours < $float" || fail 'four bits lose nothing at all: was anything quantized?'
holds "$layers == 13" || fail 'not every convolution runs on integers.'

# The first and the last layer keep 8 bits, all others have 4, in whatever way the file says so.
for form in qdq fakequant; do
  bits=$("$PARE" inspect "$scratch/$form.onnx" | awk '$2 == "Conv" || $2 == "Gemm" { line = line " " $(NF - 2) } END { print line }')
  [ "$bits" = ' 8 4 4 4 4 4 4 4 4 4 4 4 4 8' ] || fail "inspect reads other bits from the $form form:$bits."
done
