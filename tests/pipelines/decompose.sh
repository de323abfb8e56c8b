#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The decompose recipe at half of the multiply-accumulates: the budget is met, samples are worth more than weights alone,
# ONNX Runtime runs the file and agrees with us, the same job gives the same bytes, and mistakes end in one sentence.
. "$(dirname "$0")/job.sh"
require_fashion
model=$models/fashion-resnet.onnx
data="data=$test_images labels=$test_labels $pixels"

# decompose NAME [PARAMETER..]
decompose()
{
  name=$1
  shift
  # shellcheck disable=SC2086  # two words
  "$PARE" run decompose "model=$model" "output=$scratch/$name.onnx" "record=$scratch/$name.json" $pixels "$@" >/dev/null
}

macs() { "$PARE" inspect "$1" | sed -n 's/.*parameters, \([0-9]*\) MACs.*/\1/p'; }

# shellcheck disable=SC2086
top1() { "$PARE" eval "$1" $data --json | number top1; }

decompose weights
decompose samples "data=$train" samples=128
decompose again "data=$train" samples=128
cmp "$scratch/samples.onnx" "$scratch/again.onnx" || fail 'the same job gave other bytes.'
for name in weights samples; do
  holds "$(macs "$scratch/$name.onnx") * 2 <= $(macs "$model")" || fail "$name takes more than half of the multiply-accumulates."
done

float=$(top1 "$model") blind=$(top1 "$scratch/weights.onnx") informed=$(top1 "$scratch/samples.onnx")
echo "float $float, by weights $blind, by samples $informed"
holds "$informed >= $float - 1.5" || fail 'it loses more than 1.5 points.'
holds "$informed > $blind" || fail 'samples are of no use.'

for layer in 0 1; do
  grep -q "/body/body.4/c2/Conv.$layer" "$scratch/samples.json" || fail 'the record does not say what became of a layer.'
done

refuse()
{
  words=$1
  shift
  if decompose refused "$@" 2>"$scratch/stderr"; then fail "$* was accepted."; fi
  grep -q "$words" "$scratch/stderr" || fail "$*: $(cat "$scratch/stderr")"
  [ ! -e "$scratch/refused.onnx" ] || fail "$* left a file."
}

refuse 'between 0 and 1' ratio=0
refuse 'the least' ratio=0.001
refuse "'/fc/Gemm'" 'skip-layers=/fc/Gem'
refuse 'highest' 'layers=/fc/Gemm:rank=11'

# shellcheck disable=SC2086
judged=$(judge eval "$scratch/samples.onnx" $data) || exit $?
holds "$(echo "$judged" | number top1) == $informed" || fail "ONNX Runtime has $judged, we have $informed."
