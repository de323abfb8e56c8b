#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The forms of one quantized network say the same: ONNX Runtime finds equal classes in all that it runs, and so does execution
# on integers here, which gives ONNX Runtime's bits where it is made of convolutions. 1,000 images, fewer than 8 bits too.
. "$(dirname "$0")/job.sh"
require_fashion

# Without VNNI products saturate, in ONNX Runtime in other places than here.
grep -q -e avx512_vnni -e avx_vnni /proc/cpuinfo || skip 'this processor has no VNNI.'

# The forms of the quantized network in the file $1.
write_forms()
{
  for form in qoperator qoperator-microsoft; do
    launch onnxloader "location=$1" ! onnxexporter "location=$scratch/$form.onnx" "form=$form"
  done
}

# SQNR of the logits, in decibels; null when all bits are equal.
check()
{
  echo "$1: $2"
  holds "$(echo "$2" | number n) == 1000" || fail 'not all images were seen.'
  holds "$(echo "$2" | number agreement) >= $3" || fail 'classes differ.'
  case $2 in *'"sqnr":null'*) return ;; esac
  holds "$(echo "$2" | number sqnr) >= $4" || fail 'the logits differ by more than roundings.'
}

# compare FORM: ONNX Runtime on both forms. agree FORM: ONNX Runtime and integers here.
compare()
{
  # shellcheck disable=SC2086  # two words
  judge compare "$scratch/qdq.onnx" "$scratch/$1.onnx" "data=$test_images" $pixels samples=1000
}

agree()
{
  launch onnxloader "location=$scratch/$1.onnx" ! graphrunner name=r integer=true ! fakesink async=false sync=false \
    tensorsrc "location=$test_images" samples=1000 ! tensorizer mean=0.2860 std=0.3530 ! r.tensors \
    r.results ! tensorsink "location=$scratch/logits.npy"
  # shellcheck disable=SC2086  # two words
  judge agree "$scratch/$1.onnx" "$scratch/logits.npy" "data=$test_images" $pixels samples=1000
}

# check_forms NAME SQNR-BETWEEN-FORMS SQNR-TO-US: of the network in qdq.onnx.
check_forms()
{
  write_forms "$scratch/qdq.onnx"
  for form in qoperator qoperator-microsoft; do
    seen=$(compare $form)
    check "$1, $form beside qdq in ONNX Runtime" "$seen" 99.9 "$2"
    seen=$(agree $form)
    check "$1, $form on integers here" "$seen" 99.9 "$3"
  done
}

# All that is float in these is the scale of the last product.
for model in fashion-resnet fashion-mobilenet; do
  quantize "$models/$model.onnx" "$scratch/qdq.onnx" samples=128
  check_forms "$model" 120 120
done

# Most of a transformer is float, and each program has its own last digits there.
quantize "$models/fashion-vit.onnx" "$scratch/qdq.onnx" samples=128
check_forms fashion-vit 50 50

launch onnxloader "location=$models/fashion-resnet.onnx" ! graphfuser ! graphcalibrator name=c \
  ! graphquantizer bits=4 activation-bits=4 ! onnxexporter "location=$scratch/qdq.onnx" \
  tensorsrc "location=$train" samples=128 ! tensorizer mean=0.2860 std=0.3530 ! c.tensors
check_forms 'fashion-resnet, 4 bits' 120 120

# AMCT's record has an entry for each layer that the form ascend dequantizes.
quantize "$models/fashion-mobilenet.onnx" "$scratch/ascend.onnx" samples=16 form=ascend amct-record="$scratch/record.txt"
layers=$("$PARE" inspect "$scratch/ascend.onnx" --json | tr ',' '\n' | grep -c AscendDequant) || true
records=$(grep -c '^record {' "$scratch/record.txt")
holds "$layers == 18 && $records == 18" || fail "$records records for $layers layers of 18."
