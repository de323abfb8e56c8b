#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Calibration from folders of PNG and JPEG files: with PNG the same bytes as from a tensor file of the same pixels, with
# JPEG ranges within the codec's loss.
. "$(dirname "$0")/job.sh"
model=$models/fashion-mobilenet.onnx
caps='video/x-raw,format=GRAY8,width=28,height=28'
normalise='tensorizer mean=0.2860 std=0.3530'
mkdir "$scratch/png" "$scratch/jpeg"

# One stream of pictures, written three ways.
# shellcheck disable=SC2086
launch videotestsrc num-buffers=24 pattern=ball animation-mode=frames ! $caps ! tee name=t \
  t. ! queue ! pngenc ! multifilesink "location=$scratch/png/%04d.png" async=false \
  t. ! queue ! jpegenc quality=98 ! multifilesink "location=$scratch/jpeg/%04d.jpg" async=false \
  t. ! queue ! $normalise ! tensorsink "location=$scratch/pixels.npy"

# calibrate NAME SOURCE..: the model calibrated on what SOURCE brings.
calibrate()
{
  name=$1
  shift
  launch onnxloader "location=$model" ! graphfuser ! graphcalibrator name=c algorithm=minmax ! graphquantizer \
    ! onnxexporter "location=$scratch/$name.onnx" "record=$scratch/$name.json" "$@" ! c.tensors
}

# shellcheck disable=SC2086
{
  calibrate tensors tensorsrc "location=$scratch/pixels.npy"
  calibrate png multifilesrc "location=$scratch/png/%04d.png" ! pngdec ! videoconvert ! videoscale ! $caps ! $normalise
  calibrate jpeg multifilesrc "location=$scratch/jpeg/%04d.jpg" ! jpegdec ! videoconvert ! videoscale ! $caps ! $normalise
}
"$PARE" run ptq-int8-images "model=$model" "images=$scratch/png/%04d.png" pixels=GRAY8 width=28 height=28 \
  mean=0.2860 std=0.3530 calibration=minmax rounding= "output=$scratch/recipe.onnx" >/dev/null
cmp "$scratch/png.onnx" "$scratch/recipe.onnx" || fail 'the recipe for images gives another model than the line.'
cmp "$scratch/tensors.onnx" "$scratch/png.onnx" || fail 'PNG files give other ranges than the same pixels in a tensor file.'

# widths RECORD: low and high of every calibrated value, in order.
widths() { tr ',{}' '\n\n\n' <"$1" | sed -n 's/.*"\(low\|high\)" *: *\([-0-9.eE+]*\).*/\2/p'; }
widths "$scratch/tensors.json" >"$scratch/exact"
widths "$scratch/jpeg.json" >"$scratch/lossy"
[ "$(wc -l <"$scratch/exact")" -ge 20 ] || fail 'the record holds no ranges.'
paste "$scratch/exact" "$scratch/lossy" | awk '
  NF != 2 { exit 1 }
  { difference = $1 - $2; if (difference < 0) difference = -difference; size = $1 < 0 ? -$1 : $1; if (difference > 0.1 * size + 0.1) { print; exit 1 } }
' || fail 'JPEG files give ranges beyond the loss of the codec.'
