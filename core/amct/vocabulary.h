/* SPDX-License-Identifier: LGPL-2.1-or-later
 * AMCT's words and ours. */
#pragma once
#include <glib.h>

G_BEGIN_DECLS

/**
 * PareAmctWord:
 * @message: of the configuration: "ifmr_quantize"; NULL: the field stands in the layer's message itself
 * @field: of that message; NULL: the message itself says it
 * @index: which of several fields of the name, from 0
 * @stage: factory of the stage that takes it
 * @property: of that stage
 * @value: what it is set to; NULL: what @convert makes of the field's text
 * @convert: NULL: the text as it is. NULL from it: the value is impossible
 * @choice: NULL, or the row counts only where the field's text is this
 *
 * One field of a layer's settings. A row without @stage is a field that says nothing to us.
 */
typedef struct
{
  const char *message, *field;
  guint index;
  const char *choice;
  const char *stage, *property, *value;
  char *(*convert) (const char *text);
} PareAmctWord;

extern const PareAmctWord pare_amct_words[];
guint pare_amct_n_words (void);

/* Whether @op_type is what a configuration calls @type: operators of ONNX, or layers of PyTorch and Caffe. */
gboolean pare_amct_type_matches (const char *type, const char *op_type);

G_END_DECLS
