#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Weights of four bits: rounded by what the layers compute they lose less than to the nearest, and ONNX Runtime gets the
# integers that were chosen.
. "$(dirname "$0")/job.sh"
require_fashion
model=$models/fashion-resnet.onnx
images="data=$test_images $pixels samples=1000"
data="$images labels=$test_labels"

# round_weights OUTPUT ROUNDER..
round_weights ()
{
  output=$1
  shift
  launch onnxloader "location=$model" ! graphfuser ! graphcalibrator name=c ! graphquantizer bits=4 \
    ! graphrounder name=r "$@" ! onnxexporter "location=$scratch/$output.onnx" \
    tensorsrc "location=$train" samples=128 ! tensorizer mean=0.2860 std=0.3530 ! tensorstore name=t t. ! c.tensors t. ! r.tensors
}

round_weights nearest algorithm=nearest bias-correction=none
round_weights gptq algorithm=gptq
# shellcheck disable=SC2086  # words
"$PARE" run ptq-int8 "model=$model" "output=$scratch/recipe.onnx" "data=$train" samples=128 $pixels preset=w4a8 rounding=gptq \
  || fail 'the recipe does not round.'
cmp "$scratch/gptq.onnx" "$scratch/recipe.onnx" || fail 'the recipe gives other integers.'
round_weights adaround algorithm=adaround iterations=60
round_weights block algorithm=block iterations=60

# shellcheck disable=SC2086  # words
for name in nearest gptq adaround block; do
  "$PARE" diff "$model" "$scratch/$name.onnx" $images --json | number agreement > "$scratch/$name.agreement"
done
nearest=$(cat "$scratch/nearest.agreement")
gptq=$(cat "$scratch/gptq.agreement")
adaround=$(cat "$scratch/adaround.agreement")
block=$(cat "$scratch/block.agreement")
# shellcheck disable=SC2086  # words
ours=$("$PARE" eval "$scratch/gptq.onnx" $data --json | number top1)
# shellcheck disable=SC2086  # words
theirs=$(judge eval "$scratch/gptq.onnx" $data) || exit $?
theirs=$(echo "$theirs" | number top1)

echo "same class as float: nearest $nearest, gptq $gptq, adaround $adaround, block $block; top-1 of gptq $ours, $theirs in ONNX Runtime"
holds "$gptq > $nearest + 0.5" || fail 'gptq is hardly better than the nearest.'
holds "$adaround > $nearest + 0.5 && $block > $nearest + 0.5" || fail 'what is learnt is hardly better than the nearest.'
holds "$ours - $theirs < 0.21 && $theirs - $ours < 0.21" || fail 'ONNX Runtime gets something else.'
