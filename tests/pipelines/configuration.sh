#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same job said by properties, by a preset, and by both kinds of AMCT's configuration gives the same file.
. "$(dirname "$0")/job.sh"
require_fashion
model=$models/fashion-resnet.onnx
fc=/fc/Gemm

quantize () # OUTPUT PARAMETER...
{
  output=$scratch/$1.onnx
  shift
  # shellcheck disable=SC2086  # words
  "$PARE" run ptq-int8 "model=$model" "data=$train" samples=64 $pixels rounding= "output=$output" "$@" >/dev/null
}

by_properties () # OUTPUT CALIBRATOR QUANTIZER
{
  # shellcheck disable=SC2086  # words
  launch onnxloader "location=$model" ! graphfuser ! graphcalibrator name=c $2 ! graphquantizer $3 \
    ! onnxexporter "location=$scratch/$1.onnx" tensorsrc "location=$train" samples=64 \
    ! tensorizer mean=0.2860 std=0.3530 ! tensorstore ! c.tensors
}

same () # A B
{
  cmp "$scratch/$1.onnx" "$scratch/$2.onnx" || fail "$1 and $2 are not the same."
}

by_properties few 'bits=8' 'bits=4 activation-bits=8'
quantize preset preset=w4a8
same few preset

by_properties wanted 'algorithm=ifmr percentile=99.99 search-step=0.02' \
  "weight-algorithm=arq bits=7 symmetric=true skip-layers=$fc"
cat >"$scratch/quant.cfg" <<END
batch_num: 2
activation_offset: false
skip_layers: "$fc"
common_config {
  arq_quantize { quant_bits: 7 channel_wise: true }
  ifmr_quantize { max_percentile: 0.9999 min_percentile: 0.9999 search_step: 0.02 }
}
END
quantize simplified "config=$scratch/quant.cfg"
same wanted simplified

layers=$("$PARE" inspect "$model" | awk '$2 == "Conv" { print $1 }')
{
  echo '{ "version": 1, "activation_offset": false'
  for layer in $layers $fc; do
    enable=true
    [ "$layer" = "$fc" ] && enable=false
    cat <<END
    , "$layer": { "quant_enable": $enable, "activation_quant_params": { "num_bits": 8, "act_algo": "ifmr",
      "max_percentile": 0.9999, "min_percentile": 0.9999, "search_step": 0.02, "asymmetric": false },
      "weight_quant_params": { "num_bits": 7, "wts_algo": "arq_quantize", "channel_wise": true } }
END
  done
  echo '}'
} >"$scratch/quant.json"
quantize json "config=$scratch/quant.json"
same wanted json

# One layer whose activations are symmetric and calibrated in two passes, others not.
first=$(echo "$layers" | sed -n 2p)
cat >"$scratch/override.cfg" <<END
override_layer_configs {
  layer_name: "$first"
  calibration_config { arq_quantize { channel_wise: true } ifmr_quantize { asymmetric: false max_percentile: 0.999 min_percentile: 0.999 } }
}
END
quantize override "config=$scratch/override.cfg"
by_properties by_hand "layers=$first:algorithm=ifmr,percentile=99.9" \
  "layers=$first:symmetric=true,weight-algorithm=arq,per-channel=true"
same by_hand override
quantize integers_only "quantizer.layers=$first:symmetric=true,weight-algorithm=arq,per-channel=true"
! cmp -s "$scratch/by_hand.onnx" "$scratch/integers_only.onnx" || fail 'one layer is calibrated like all.'

if quantize wrong preset=w3a8 2>"$scratch/error"; then
  fail 'a preset that does not exist was taken.'
fi
grep -q "no preset 'w3a8'" "$scratch/error" || fail "the message is: $(cat "$scratch/error")"
