#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# For one reference model: ONNX Runtime runs what we export, within 0.3 points of the float model's top-1, and our own
# executor gives the same class as ONNX Runtime on 99.9% of the 10,000 test images.
#   accuracy.sh MODEL
. "$(dirname "$0")/job.sh"
require_fashion
data="data=$test_images labels=$test_labels $pixels"
model=$models/$1.onnx
int8=$scratch/int8.onnx

quantize "$model" "$int8"
# shellcheck disable=SC2086  # words
{
  float_top1=$(judge eval "$model" $data) || exit $?
  int8_top1=$(judge eval "$int8" $data) || exit $?
  our_top1=$("$PARE" eval "$int8" $data --json)
}
float_top1=$(echo "$float_top1" | number top1)
int8_top1=$(echo "$int8_top1" | number top1)
our_top1=$(echo "$our_top1" | number top1)

launch onnxloader "location=$int8" ! graphrunner name=r ! fakesink async=false sync=false \
  tensorsrc "location=$test_images" ! tensorizer mean=0.2860 std=0.3530 ! r.tensors \
  r.results ! tensorsink "location=$scratch/logits.npy"
# shellcheck disable=SC2086
agreement=$(judge agree "$int8" "$scratch/logits.npy" "data=$test_images" $pixels)

echo "$1: float $float_top1, INT8 $int8_top1 in ONNX Runtime and $our_top1 here; $agreement"
holds "$int8_top1 >= $float_top1 - 0.3" || fail "INT8 loses more than 0.3 points."
holds "$our_top1 - $int8_top1 < 0.1 && $int8_top1 - $our_top1 < 0.1" || fail 'pare eval and ONNX Runtime disagree on top-1.'
holds "$(echo "$agreement" | number n) == 10000" || fail 'not all images were evaluated.'
holds "$(echo "$agreement" | number agreement) >= 99.9" || fail 'our classes differ from those of ONNX Runtime.'
