#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What we export is placed so that ONNX Runtime executes it in int8: every convolution and matrix product, and faster than float.
. "$(dirname "$0")/job.sh"
require_fashion

quantize "$models/fashion-resnet.onnx" "$scratch/int8.onnx"
ran=$(judge operators "$scratch/int8.onnx") || exit $?
echo "$ran"
case $ran in
*'"Conv"'* | *'"FusedConv"'*) fail 'a convolution runs in float.' ;;
*'"QLinearConv"'*) ;;
*) fail 'no convolution runs in int8.' ;;
esac
judge time "$models/fashion-resnet.onnx" "$scratch/int8.onnx" size=28 >"$scratch/time"
cat "$scratch/time"
# At least 1.5 times, with a quarter off for a busy machine; docs/measurements.md has the measured ratio.
holds "$(number ratio <"$scratch/time") >= 1.15" || fail 'INT8 is not faster than float in ONNX Runtime.'
