#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Quantized networks, executed on integers here and in ONNX Runtime, on 1,000 images: convolutional ones give
# the same bits, and a transformer, most of which stays in float, the same classes.
. "$(dirname "$0")/job.sh"
require_fashion

# Without VNNI products saturate, in ONNX Runtime in other places than here.
grep -q -e avx512_vnni -e avx_vnni /proc/cpuinfo || skip 'this processor has no VNNI.'

# agreement MODEL: of 1,000 images, here on integers with ONNX Runtime.
agreement()
{
  launch onnxloader "location=$1" ! graphrunner name=r integer=true ! fakesink async=false sync=false \
    tensorsrc "location=$test_images" samples=1000 ! tensorizer mean=0.2860 std=0.3530 ! r.tensors \
    r.results ! tensorsink "location=$scratch/logits.npy"
  # shellcheck disable=SC2086  # two words
  judge agree "$1" "$scratch/logits.npy" "data=$test_images" $pixels samples=1000
}

check()
{
  echo "$1: $2"
  holds "$(echo "$2" | number n) == 1000" || fail 'not all images were seen.'
  holds "$(echo "$2" | number agreement) >= $3" || fail 'classes differ from those of ONNX Runtime.'
}

for model in fashion-resnet fashion-mobilenet; do
  quantize "$models/$model.onnx" "$scratch/int8.onnx" samples=128
  both=$(agreement "$scratch/int8.onnx")
  check "$model" "$both" 100
  # No noise at all: its ratio to the signal is infinite, which JSON cannot say.
  case $both in *'"sqnr":null'*) ;; *) fail 'some bits differ from those of ONNX Runtime.' ;; esac
done

# Signed activations become unsigned in ONNX Runtime, which rounds behind its new zero point of 128: ties fall differently.
launch onnxloader "location=$models/fashion-resnet.onnx" ! graphfuser ! graphcalibrator name=c \
  ! graphquantizer symmetric=true ! onnxexporter "location=$scratch/int8.onnx" \
  tensorsrc "location=$train" samples=128 ! tensorizer mean=0.2860 std=0.3530 ! c.tensors
check 'fashion-resnet, symmetric' "$(agreement "$scratch/int8.onnx")" 99.5

quantize "$models/fashion-vit.onnx" "$scratch/int8.onnx" samples=128
check fashion-vit "$(agreement "$scratch/int8.onnx")" 99.5

# The command sees the same.
accuracy() { "$PARE" eval "$scratch/int8.onnx" "data=$test_images" "labels=$test_labels" $pixels samples=1000 --json "$@" | number top1; }
quantize "$models/fashion-resnet.onnx" "$scratch/int8.onnx" samples=128
simulated=$(accuracy) integers=$(accuracy --integer)
holds "$simulated - $integers <= 0.3 && $integers - $simulated <= 0.3" || fail "top-1 is $integers on integers and $simulated in simulation."

"$PARE" eval "$models/fashion-resnet.onnx" "data=$test_images" "labels=$test_labels" $pixels samples=10 --integer 2>"$scratch/refusal" \
  && fail 'a float network ran on integers.'
grep -q 'quantize it first' "$scratch/refusal" || fail "the refusal says: $(cat "$scratch/refusal")"
