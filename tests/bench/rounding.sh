#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# All ways to round weights: prints what docs/measurements.md reports of them. 512 training images without labels, for ranges and for
# rounding; top-1 is of the 10,000 test images, which nothing else looks at. Run in `meson devenv`; takes about half an hour.
#   tests/bench/rounding.sh OUTPUT-FOLDER [NETWORK..]      resnet mobilenet vit unless some are named
set -eu
tests=$(dirname "$0")/..
fashion=/usr/share/datasets/fashion-mnist
output=$1
shift
[ $# -gt 0 ] || set -- resnet mobilenet vit
samples="tensorsrc location=$fashion/train-images-idx3-ubyte.gz samples=512 ! tensorizer mean=0.2860 std=0.3530"
test="data=$fashion/t10k-images-idx3-ubyte.gz mean=0.2860 std=0.3530"

# measure NETWORK CALIBRATOR QUANTIZER ROUNDER: top-1, images with the same class as float, processor seconds of the whole job
measure()
{
  model=$tests/models/fashion-$1.onnx
  file=$output/$1.onnx
  rounder="! graphrounder name=r $4"
  feed="$samples ! r.tensors"
  if [ "$4" = nearest ]; then
    rounder=
    feed=
  fi
  /usr/bin/time -f '%U %S' -o "$output/seconds" pare launch "onnxloader location=$model ! graphfuser \
    ! graphcalibrator name=c $2 ! graphquantizer $3 $rounder ! onnxexporter location=$file \
    $samples ! c.tensors $feed" >"$output/log" 2>&1
  # shellcheck disable=SC2086  # several words
  {
    top1=$(pare eval "$file" $test labels="$fashion/t10k-labels-idx1-ubyte.gz" --json | sed -n 's/.*"top1" : \([0-9.]*\).*/\1/p')
    same=$(pare diff "$model" "$file" $test --json | sed -n 's/.*"agreement" : \([0-9.]*\).*/\1/p')
  }
  awk -v job="$1, $2, $3, $4" -v top1="$top1" -v same="$same" \
    '{ printf "%s: top-1 %.2f, same class %.2f, %.0f s\n", job, top1, same, $1 + $2 }' "$output/seconds"
}

for network in "$@"; do
  for bits in 'bits=4' 'bits=4 edge-bits=4' 'bits=4 activation-bits=4'; do
    case $bits in
      *activation*) ranges='algorithm=hfmg bits=4' ;;
      *) ranges='algorithm=hfmg' ;;
    esac
    for algorithm in nearest gptq adaround block; do
      rounder=$algorithm
      [ "$algorithm" = nearest ] || rounder="algorithm=$algorithm"
      measure "$network" "$ranges" "$bits" "$rounder"
    done
  done
  measure "$network" algorithm=minmax 'bits=4 activation-bits=4' nearest
done
