/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The table from AMCT's fields (amct.proto's CalibrationConfig, and the JSON configuration) to properties of stages. */
#include "amct/vocabulary.h"
#include <string.h>

static char *
negate (const char *text)
{
  if (strcmp (text, "true") && strcmp (text, "false"))
    return NULL;
  return g_strdup (strcmp (text, "true") ? "true" : "false");
}

/* 0.999999 of the numbers are 99.9999 percent. */
static char *
percent (const char *text)
{
  char *end, number[G_ASCII_DTOSTR_BUF_SIZE];
  double share = g_ascii_strtod (text, &end);

  return *text && !*end ? g_strdup (g_ascii_formatd (number, sizeof number, "%.10g", 100 * share)) : NULL;
}

#define CALIBRATOR "graphcalibrator"
#define QUANTIZER "graphquantizer"
#define ROUNDER "graphrounder"
#define EQUALIZER "graphequalizer"

const PareAmctWord pare_amct_words[] = {
  /* Protobuf text. */
  { "arq_quantize", NULL, .stage = QUANTIZER, .property = "weight-algorithm", .value = "arq" },
  { "arq_quantize", "quant_bits", .stage = QUANTIZER, .property = "bits" },
  { "arq_quantize", "channel_wise", .stage = QUANTIZER, .property = "per-channel" },
  { "ada_quantize", NULL, .stage = ROUNDER, .property = "algorithm", .value = "adaround" },
  { "ada_quantize", "num_iteration", .stage = ROUNDER, .property = "iterations" },
  { "ada_quantize", "quant_bits", .stage = QUANTIZER, .property = "bits" },
  { "ada_quantize", "channel_wise", .stage = QUANTIZER, .property = "per-channel" },
  { "ada_quantize", "warm_start" },
  { "ada_quantize", "reg_param" },
  { "ada_quantize", "beta_range" },
  { "ifmr_quantize", NULL, .stage = CALIBRATOR, .property = "algorithm", .value = "ifmr" },
  { "ifmr_quantize", "quant_bits", .stage = QUANTIZER, .property = "activation-bits" },
  { "ifmr_quantize", "max_percentile", .stage = CALIBRATOR, .property = "percentile", .convert = percent },
  { "ifmr_quantize", "min_percentile", .stage = CALIBRATOR, .property = "percentile", .convert = percent },
  { "ifmr_quantize", "search_range_start", .stage = CALIBRATOR, .property = "search-low" },
  { "ifmr_quantize", "search_range_end", .stage = CALIBRATOR, .property = "search-high" },
  { "ifmr_quantize", "search_step", .stage = CALIBRATOR, .property = "search-step" },
  { "ifmr_quantize", "asymmetric", .stage = QUANTIZER, .property = "symmetric", .convert = negate },
  { "hfmg_quantize", NULL, .stage = CALIBRATOR, .property = "algorithm", .value = "hfmg" },
  { "hfmg_quantize", "quant_bits", .stage = QUANTIZER, .property = "activation-bits" },
  { "hfmg_quantize", "num_of_bins", .stage = CALIBRATOR, .property = "bins" },
  { "hfmg_quantize", "asymmetric", .stage = QUANTIZER, .property = "symmetric", .convert = negate },
  { "dmq_balancer", NULL, .stage = EQUALIZER, .property = "algorithm", .value = "balance" },
  { "dmq_balancer", "migration_strength", .stage = EQUALIZER, .property = "strength" },
  /* JSON. */
  { NULL, "quant_enable", .stage = QUANTIZER, .property = "enable" },
  { NULL, "dmq_balancer_param", .stage = EQUALIZER, .property = "strength" },
  { NULL, "dmq_balancer_param", .stage = EQUALIZER, .property = "algorithm", .value = "balance" },
  { "activation_quant_params", "num_bits", .stage = QUANTIZER, .property = "activation-bits" },
  { "activation_quant_params", "act_algo", .stage = CALIBRATOR, .property = "algorithm" },
  { "activation_quant_params", "max_percentile", .stage = CALIBRATOR, .property = "percentile", .convert = percent },
  { "activation_quant_params", "min_percentile", .stage = CALIBRATOR, .property = "percentile", .convert = percent },
  { "activation_quant_params", "search_range", 0, .stage = CALIBRATOR, .property = "search-low" },
  { "activation_quant_params", "search_range", 1, .stage = CALIBRATOR, .property = "search-high" },
  { "activation_quant_params", "search_step", .stage = CALIBRATOR, .property = "search-step" },
  { "activation_quant_params", "num_of_bins", .stage = CALIBRATOR, .property = "bins" },
  { "activation_quant_params", "asymmetric", .stage = QUANTIZER, .property = "symmetric", .convert = negate },
  { "weight_quant_params", "num_bits", .stage = QUANTIZER, .property = "bits" },
  { "weight_quant_params", "channel_wise", .stage = QUANTIZER, .property = "per-channel" },
  { "weight_quant_params", "wts_algo", .choice = "arq_quantize", .stage = QUANTIZER, .property = "weight-algorithm",
    .value = "arq" },
  { "weight_quant_params", "wts_algo", .choice = "ada_quantize", .stage = ROUNDER, .property = "algorithm",
    .value = "adaround" },
  { "weight_quant_params", "num_iteration", .stage = ROUNDER, .property = "iterations" },
  { "weight_quant_params", "warm_start" },
  { "weight_quant_params", "reg_param" },
  { "weight_quant_params", "beta_range" },
};

guint
pare_amct_n_words (void)
{
  return G_N_ELEMENTS (pare_amct_words);
}

static const struct
{
  const char *type, *op_type;
} aliases[] = {
  { "Conv1d", "Conv" },
  { "Conv2d", "Conv" },
  { "Conv3d", "Conv" },
  { "Convolution", "Conv" },
  { "ConvTranspose1d", "ConvTranspose" },
  { "ConvTranspose2d", "ConvTranspose" },
  { "ConvTranspose3d", "ConvTranspose" },
  { "Deconvolution", "ConvTranspose" },
  { "Linear", "Gemm" },
  { "Linear", "MatMul" },
  { "InnerProduct", "Gemm" },
  { "AvgPool1d", "AveragePool" },
  { "AvgPool2d", "AveragePool" },
};

gboolean
pare_amct_type_matches (const char *type, const char *op_type)
{
  if (strcmp (type, op_type) == 0)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (aliases); i++)
    if (strcmp (aliases[i].type, type) == 0 && strcmp (aliases[i].op_type, op_type) == 0)
      return TRUE;
  return FALSE;
}
