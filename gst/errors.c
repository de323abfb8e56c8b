/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Errors of libpare as messages on the bus. */
#include "gst/errors.h"

typedef struct
{
  GQuark (*domain) (void);
  int code;
} Translation;

static const Translation translations[] = {
  [PARE_ERROR_NOT_FOUND] = { gst_resource_error_quark, GST_RESOURCE_ERROR_NOT_FOUND },
  [PARE_ERROR_WRITE] = { gst_resource_error_quark, GST_RESOURCE_ERROR_WRITE },
  [PARE_ERROR_NO_SPACE] = { gst_resource_error_quark, GST_RESOURCE_ERROR_NO_SPACE_LEFT },
  [PARE_ERROR_DECODE] = { gst_stream_error_quark, GST_STREAM_ERROR_DECODE },
  [PARE_ERROR_NOT_IMPLEMENTED] = { gst_stream_error_quark, GST_STREAM_ERROR_NOT_IMPLEMENTED },
  [PARE_ERROR_FORMAT] = { gst_stream_error_quark, GST_STREAM_ERROR_FORMAT },
  [PARE_ERROR_LIBRARY] = { gst_library_error_quark, GST_LIBRARY_ERROR_FAILED },
  [PARE_ERROR_SETTINGS] = { gst_library_error_quark, GST_LIBRARY_ERROR_SETTINGS },
  [PARE_ERROR_NO_DATA] = { gst_stream_error_quark, GST_STREAM_ERROR_FAILED },
  [PARE_ERROR_DATA_DEPENDENT] = { gst_stream_error_quark, GST_STREAM_ERROR_NOT_IMPLEMENTED },
};

void
gst_pare_error_translate (const GError *error, GQuark *domain, int *code)
{
  Translation translation = translations[PARE_ERROR_LIBRARY];

  if (error->domain == PARE_ERROR && error->code >= 0 && error->code < (int)G_N_ELEMENTS (translations))
    translation = translations[error->code];
  *domain = translation.domain ();
  *code = translation.code;
}

void
gst_pare_element_error_at (GstElement *element, const GError *error, const char *file, const char *function, int line)
{
  g_autofree char *debug = g_strdup_printf ("%s %d", g_quark_to_string (error->domain), error->code);
  GQuark domain;
  int code;

  gst_pare_error_translate (error, &domain, &code);
  gst_element_message_full (element, GST_MESSAGE_ERROR, domain, code, g_strdup (error->message),
                            g_steal_pointer (&debug), file, function, line);
}
