/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A hash that tells networks apart, SHA-256. */
#include "train/fingerprint.h"
#include <string.h>

static void
add_bytes (GChecksum *sum, gconstpointer data, gsize size)
{
  /* The size goes in too: "ab" and "c" are not "a" and "bc". */
  g_checksum_update (sum, (const guchar *)&size, sizeof size);
  /* GLib counts in gssize; nothing is that long in one piece. */
  if (size)
    g_checksum_update (sum, data, size);
}

static void
add_string (GChecksum *sum, const char *text)
{
  add_bytes (sum, text, text ? strlen (text) : 0);
}

static void
add_tensor (GChecksum *sum, const PareTensor *tensor)
{
  add_bytes (sum, &tensor->type, sizeof tensor->type);
  add_bytes (sum, tensor->shape.dims, tensor->shape.rank * sizeof *tensor->shape.dims);
  if (tensor->bytes)
    add_bytes (sum, pare_tensor_data (tensor), pare_tensor_size (tensor));
}

static void
add_attribute (GChecksum *sum, const PareAttribute *attribute)
{
  add_string (sum, attribute->name);
  switch (attribute->type)
    {
    case PARE_ATTRIBUTE_FLOAT:
      add_bytes (sum, &attribute->u.f, sizeof attribute->u.f);
      break;
    case PARE_ATTRIBUTE_INT:
      add_bytes (sum, &attribute->u.i, sizeof attribute->u.i);
      break;
    case PARE_ATTRIBUTE_STRING:
      add_bytes (sum, g_bytes_get_data (attribute->u.s, NULL), g_bytes_get_size (attribute->u.s));
      break;
    case PARE_ATTRIBUTE_TENSOR:
      add_tensor (sum, attribute->u.tensor);
      break;
    case PARE_ATTRIBUTE_FLOATS:
      add_bytes (sum, attribute->u.floats, attribute->n * sizeof *attribute->u.floats);
      break;
    case PARE_ATTRIBUTE_INTS:
      add_bytes (sum, attribute->u.ints, attribute->n * sizeof *attribute->u.ints);
      break;
    default:
      break; /* what is left does not occur in networks that are trained */
    }
}

static void
add_node (GChecksum *sum, const PareNode *node)
{
  const GPtrArray *lists[] = { node->inputs, node->outputs };

  add_string (sum, node->domain);
  add_string (sum, node->op_type);
  for (guint l = 0; l < G_N_ELEMENTS (lists); l++)
    for (guint i = 0; i < lists[l]->len; i++)
      {
        const PareValue *value = lists[l]->pdata[i];
        add_string (sum, value ? value->name : NULL);
      }
  for (guint i = 0; i < node->attributes->len; i++)
    add_attribute (sum, node->attributes->pdata[i]);
}

char *
pare_graph_fingerprint (const PareGraph *graph)
{
  g_autoptr (GChecksum) sum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < graph->nodes->len; i++)
    add_node (sum, graph->nodes->pdata[i]);
  for (guint i = 0; i < graph->values->len; i++)
    {
      const PareValue *value = graph->values->pdata[i];
      if (!value->constant)
        continue;
      add_string (sum, value->name);
      add_tensor (sum, value->constant);
    }
  return g_strdup (g_checksum_get_string (sum));
}
