/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * PareAmctLayer:
 * @key: the layer's name
 * @scale_d: of its data; 0: not known
 * @offset_d: of its data, as int8
 * @scale_w: of its weights, one or one per output channel; of float
 * @offset_w: of its weights, as many; of gint32
 * @shift_bit: by how many bits its accumulators are shifted, one or one per output channel; of guint32
 * @balance: what each input channel was divided by (tensor_balance_factor); of float
 * @dst_type: type of its integers, "INT8"
 *
 * What a record of AMCT says of a layer: one ScaleOffsetRecord's record entry. The arrays may be empty.
 */
typedef struct
{
  char *key;
  float scale_d;
  gint32 offset_d;
  GArray *scale_w, *offset_w, *shift_bit, *balance;
  gboolean skip_fusion;
  char *dst_type;
} PareAmctLayer;

PareAmctLayer *pare_amct_layer_new (const char *key);
void pare_amct_layer_free (PareAmctLayer *layer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PareAmctLayer, pare_amct_layer_free)

/**
 * pare_amct_record_print:
 * @layers: of PareAmctLayer
 *
 * Returns: (transfer full): the record as protobuf text, message ScaleOffsetRecord
 */
char *pare_amct_record_print (const GPtrArray *layers);

G_END_DECLS
