#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# W8A8 after training with and without graphequalizer: prints what docs/measurements.md reports of it, top-1 and the share of images
# that get the class that the float network gives them. Run in `meson devenv`; takes some minutes. Python with NumPy is where
# PYTHON says.
#   tests/bench/equalize.sh OUTPUT-FOLDER IMAGES [JOB..]
# IMAGES: held-out, the last 10,000 training images, by which to choose; or test.
# jobs: rescaled (weights with one scale per tensor; fashion-mobilenet, and a copy with its channels rescaled by up to 100) ordinary
# (the reference models, weights with one scale per channel) few (the same with 4-bit weights); all unless some are named
set -eu
tests=$(dirname "$0")/..
fashion=/usr/share/datasets/fashion-mnist
output=$1 images=$2
shift 2
[ $# -gt 0 ] || set -- rescaled ordinary few
pixels='mean=0.2860 std=0.3530'
calibration="tensorsrc location=$fashion/train-images-idx3-ubyte.gz samples=512 ! tensorizer $pixels"

# be32 NUMBER: four bytes, the highest first, as octal escapes of printf.
be32() { printf '\\%03o\\%03o\\%03o\\%03o' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255)); }

case $images in
  test) data=$fashion/t10k-images-idx3-ubyte.gz labels=$fashion/t10k-labels-idx1-ubyte.gz ;;
  held-out)
    data=$output/held-out-images.idx labels=$output/held-out-labels.idx
    # shellcheck disable=SC2059  # escapes
    {
      printf "$(be32 2051)$(be32 10000)$(be32 28)$(be32 28)"
      zcat $fashion/train-images-idx3-ubyte.gz | tail -c $((10000 * 28 * 28))
    } >"$data"
    # shellcheck disable=SC2059
    {
      printf "$(be32 2049)$(be32 10000)"
      zcat $fashion/train-labels-idx1-ubyte.gz | tail -c 10000
    } >"$labels" ;;
  *) echo "equalize.sh: IMAGES is held-out or test, not '$images'." >&2; exit 1 ;;
esac

# logits MODEL FILE.npy
logits()
{
  pare launch "onnxloader location=$1 ! graphrunner name=r ! fakesink async=false sync=false
    tensorsrc location=$data ! tensorizer $pixels ! r.tensors r.results ! tensorsink location=$2" >"$2.log" 2>&1
}

# report NAME MODEL FLOAT
report()
{
  wanted=$output/$(basename "$3" .onnx)-$images.npy
  [ -e "$wanted" ] || logits "$3" "$wanted"
  logits "$2" "$output/logits.npy"
  "${PYTHON:-/usr/bin/python3}" - "$1" "$output/logits.npy" "$wanted" "$labels" <<'END'
import gzip, sys
import numpy
name, ours, floats, labels = sys.argv[1:]
data = open(labels, 'rb').read()
truth = numpy.frombuffer(gzip.decompress(data) if labels.endswith('.gz') else data, numpy.uint8, offset=8)
found, wanted = (numpy.load(path).reshape(len(truth), -1).argmax(1) for path in (ours, floats))
print(f'{name}: top-1 {100 * (found == truth).mean():.2f}, same class {100 * (found == wanted).mean():.2f}', flush=True)
END
}

# measure NAME MODEL ALGORITHM QUANTIZER-PROPERTIES CALIBRATOR-PROPERTIES: ALGORITHM none is without an equalizer.
measure()
{
  case $3 in
    none) equalizer='' samples='t. ! c.tensors' ;;
    *) equalizer="! graphequalizer name=e algorithm=$3 $(echo "$4" | sed 's/edge-bits=[0-9]*//')" samples='t. ! e.tensors t. ! c.tensors' ;;
  esac
  pare launch "onnxloader location=$2 ! graphfuser $equalizer ! graphcalibrator name=c $5 ! graphquantizer $4 !
    onnxexporter location=$output/$1.onnx record=$output/$1.json $calibration ! tensorstore name=t $samples" >"$output/$1.log" 2>&1
  report "$1" "$output/$1.onnx" "$2"
}

for job in "$@"; do
  case $job in
    rescaled)
      rescaled=$output/rescaled.onnx
      rescale "$tests/models/fashion-mobilenet.onnx" "$rescaled" 100
      report 'rescaled, float' "$rescaled" "$tests/models/fashion-mobilenet.onnx"
      for model in "$tests/models/fashion-mobilenet.onnx" "$rescaled"; do
        for algorithm in none cross-layer cross-layer,absorb cross-layer,balance; do
          measure "tensor-$(basename "$model" .onnx)-$algorithm" "$model" "$algorithm" per-channel=false algorithm=minmax
        done
      done ;;
    ordinary | few)
      case $job in ordinary) bits= ;; few) bits='bits=4' ;; esac
      for model in resnet mobilenet vit; do
        for algorithm in none cross-layer balance; do
          measure "$job-$model-$algorithm" "$tests/models/fashion-$model.onnx" "$algorithm" "$bits" ''
        done
      done ;;
    *) echo "equalize.sh: there is no job '$job'." >&2; exit 1 ;;
  esac
done
