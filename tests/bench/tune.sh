#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Accuracy-driven quantization of classifiers of Fashion-MNIST, as Markdown. Everything is chosen on training images; each
# model that comes out is run on the test images once. In `meson devenv -C build`:
#   tests/bench/tune.sh target|budget MODEL.onnx...
set -eu
folder=/usr/share/datasets/fashion-mnist
train="data=$folder/train-images-idx3-ubyte.gz labels=$folder/train-labels-idx1-ubyte.gz"
test="data=$folder/t10k-images-idx3-ubyte.gz labels=$folder/t10k-labels-idx1-ubyte.gz"
pixels='mean=0.2860 std=0.3530'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# number KEY: the last one of that name in the record.
number() { tr -d '\n' <"$scratch/record.json" | sed -n "s/.*\"$1\" *: *\([-0-9.eE+]*\).*/\1/p"; }

# shellcheck disable=SC2086  # words
tune() { pare run ptq-auto "model=$1" $train $pixels "output=$scratch/tuned.onnx" "record=$scratch/record.json" $2 >/dev/null 2>&1; }

# shellcheck disable=SC2086
top1() { pare eval "$1" $test $pixels --json | tr -d '\n' | sed 's/.*"top1" *: *\([0-9.]*\).*/\1/'; }

target()
{
  echo '| model | start | rounding | evaluations | layers raised | lost on training images | test, float | test, tuned |'
  echo '| --- | --- | --- | --- | --- | --- | --- | --- |'
  for model; do
    float=$(top1 "$model")
    for start in '4 none' '4 gptq' '3 none' '3 gptq'; do
      bits=${start% *} rounding=${start#* } ladder=8,float
      [ "$bits" = 4 ] || ladder=4,8,float
      tune "$model" "bits=$bits ladder=$ladder rounding=$rounding"
      printf '| %s | W%sA8 | %s | %.1f | %g of %g | %.2f | %.2f | %.2f |\n' "$(basename "$model" .onnx)" "$bits" "$rounding" \
        "$(number evaluations)" "$(number raised)" "$(number layers)" "$(number drop)" "$float" "$(top1 "$scratch/tuned.onnx")"
    done
  done
}

# Uniform bits are a choice of one.
budget()
{
  echo '| model | bits | share of float32 | sum of sensitivities | lost on training images | test |'
  echo '| --- | --- | --- | --- | --- | --- |'
  for model; do
    for row in '8 1 8' '6 1 6' 'mixed 0.1875 8,6,4,3,2' '4 1 4' 'mixed 0.125 8,6,4,3,2' '3 1 3' 'mixed 0.09375 8,6,4,3,2'; do
      # shellcheck disable=SC2086
      set_row $row
      tune "$model" "budget=size limit=$limit candidates=$candidates rounding=gptq"
      printf '| %s | %s | %.4f | %.3g | %.2f | %.2f |\n' "$(basename "$model" .onnx)" "$name" "$(number share)" "$(number sensitivity)" \
        "$(number drop)" "$(top1 "$scratch/tuned.onnx")"
    done
  done
}
set_row() { name=$1 limit=$2 candidates=$3; }

"$@"
