/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Casts from and to strings: numbers are written with as few digits as name them and no other (ONNX operators, Cast).
 */
#include "ops/caststring.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* "NaN", "INF" and "-INF" are as the specification spells them. */
static char *
write_number (double value, gboolean single)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isnan (value))
    return g_strdup ("NaN");
  if (isinf (value))
    return g_strdup (value < 0 ? "-INF" : "INF");
  for (int digits = 1; digits <= 17; digits++)
    {
      char format[] = "%.17g";
      double back;
      format[2] = '0' + digits / 10;
      format[3] = '0' + digits % 10;
      g_ascii_formatd (text, sizeof text, format, value);
      back = g_ascii_strtod (text, NULL);
      if (single ? (float)back == (float)value : back == value)
        break;
    }
  return g_strdup (text);
}

static GPtrArray *
write_all (const PareTensor *x)
{
  GPtrArray *strings = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  gboolean is_float = pare_data_type_is_float (x->type);

  for (gint64 i = 0; i < pare_tensor_elements (x); i++)
    {
      char *text = is_float ? write_number (pare_tensor_get_double (x, i), x->type != PARE_FLOAT64)
                   : x->type == PARE_UINT64
                       ? g_strdup_printf ("%" G_GUINT64_FORMAT, ((const guint64 *)pare_tensor_data (x))[i])
                       : g_strdup_printf ("%" G_GINT64_FORMAT, pare_tensor_get_int (x, i));
      g_ptr_array_add (strings, g_bytes_new_take (text, strlen (text)));
    }
  return strings;
}

/* A number in @word and nothing else. */
static gboolean
read_number (GBytes *word, double *value)
{
  gsize size;
  const char *data = g_bytes_get_data (word, &size);
  g_autofree char *text = g_strndup (data ? data : "", size);
  char *end;

  *value = g_ascii_strtod (text, &end);
  return end != text && !*end;
}

static gboolean
read_all (const PareRun *run, PareDataType type, GError **error)
{
  const PareTensor *x = run->inputs[0];
  double *numbers = g_new (double, x->strings->len + 1);
  g_autoptr (PareTensor) tensor = NULL;

  for (guint i = 0; i < x->strings->len; i++)
    if (!read_number (x->strings->pdata[i], &numbers[i]))
      {
        pare_node_error (error, PARE_ERROR_FORMAT, run->node, "string %u is not a number.", i);
        g_free (numbers);
        return FALSE;
      }
  tensor = pare_tensor_new_take (PARE_FLOAT64, &x->shape, numbers);
  run->outputs[0] = pare_tensor_cast (tensor, type);
  return TRUE;
}

gboolean
pare_run_cast (const PareRun *run, PareDataType type, GError **error)
{
  const PareTensor *x = run->inputs[0];
  gboolean plain = pare_data_type_bits (type) >= 8 && type != PARE_COMPLEX64 && type != PARE_COMPLEX128;

  if (x->type == type)
    run->outputs[0] = pare_tensor_ref (run->inputs[0]);
  else if (x->type == PARE_STRING && plain)
    return read_all (run, type, error);
  else if (type == PARE_STRING && pare_data_type_bits (x->type) >= 8)
    run->outputs[0] = pare_tensor_new_strings (&x->shape, write_all (x));
  else if (pare_data_type_bits (x->type) && plain)
    run->outputs[0] = pare_tensor_cast (run->inputs[0], type);
  if (run->outputs[0])
    return TRUE;
  pare_node_error (error, PARE_ERROR_NOT_IMPLEMENTED, run->node, "casting %s to %s is not possible here.",
                   pare_data_type_name (x->type), pare_data_type_name (type));
  return FALSE;
}
