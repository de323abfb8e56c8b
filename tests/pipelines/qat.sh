#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Quantization-aware training with weights of 2 bits on a few images: the loss falls, it beats rounding alone by far, and
# ONNX Runtime gets what we get from the file that comes out. Normalization that is kept in training is not in the file.
. "$(dirname "$0")/job.sh"
require_fashion
labels=$fashion/train-labels-idx1-ubyte.gz
model=$models/fashion-mobilenet.onnx
data="data=$test_images labels=$test_labels $pixels samples=2000"

# shellcheck disable=SC2086  # two words
"$PARE" run qat-int8 "model=$model" "data=$train" "labels=$labels" samples=512 $pixels bits=2 activation-bits=4 epochs=2 batch-size=32 \
  validation-split=0.125 "output=$scratch/qat.onnx" "record=$scratch/qat.json" >/dev/null
# shellcheck disable=SC2086
quantize "$model" "$scratch/ptq.onnx" rounding= calibrator.bits=4 quantizer.bits=2 quantizer.activation-bits=4 || fail 'without training it does not work either.'

losses=$(tr -d '\n' <"$scratch/qat.json" | grep -o '"graphtrainer"[^}]*}' | sed -n 's/.*"loss" *: *\([-0-9.eE+]*\).*/\1/p')
first=$(echo "$losses" | head -n 1)
last=$(echo "$losses" | tail -n 1)
# shellcheck disable=SC2086
{
  before=$("$PARE" eval "$scratch/ptq.onnx" $data --json | number top1)
  ours=$("$PARE" eval "$scratch/qat.onnx" $data --json | number top1)
}
echo "loss $first in the first epoch and $last in the last; top-1 $before without training and $ours with it"
[ "$(echo "$losses" | wc -l)" = 2 ] || fail 'the record does not have two epochs.'
holds "$last < $first" || fail 'the loss does not fall.'
holds "$ours > $before + 10" || fail 'training does not help.'
"$PARE" inspect "$scratch/qat.onnx" --json | tr -d '\n' | grep -q '"bits" *: *2' || fail 'no layer has 2 bits in the file.'

# shellcheck disable=SC2086
"$PARE" run qat-int8 "model=$model" "data=$train" "labels=$labels" samples=512 $pixels bits=4 activation-bits=4 batch-size=32 \
  keep-batchnorm=true "output=$scratch/kept.onnx" >/dev/null
"$PARE" inspect "$scratch/kept.onnx" --json | grep -q BatchNormalization && fail 'normalization was not folded.'
# shellcheck disable=SC2086
kept=$("$PARE" eval "$scratch/kept.onnx" $data --json | number top1)

# compare FILE TOP-1: with what ONNX Runtime gets.
compare()
{
  # shellcheck disable=SC2086
  theirs=$(judge eval "$1" $data) || exit $?
  theirs=$(echo "$theirs" | number top1)
  echo "top-1 $2, in ONNX Runtime $theirs"
  holds "$2 - $theirs < 0.11 && $theirs - $2 < 0.11" || fail 'ONNX Runtime gets something else.'
}
compare "$scratch/qat.onnx" "$ours"
compare "$scratch/kept.onnx" "$kept"
