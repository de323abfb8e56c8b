/* SPDX-License-Identifier: LGPL-2.1-or-later
 * The tensorizer and the kinds of input that it takes: one file each. */
#pragma once
#include "data/layout.h"
#include <gst/audio/audio.h>
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>

#define GST_TYPE_TENSORIZER (gst_tensorizer_get_type ())
G_DECLARE_FINAL_TYPE (GstTensorizer, gst_tensorizer, GST, TENSORIZER, GstBaseTransform)

typedef enum
{
  TENSORIZER_INPUT_SAME,
  TENSORIZER_INPUT_NCHW,
  TENSORIZER_INPUT_NHWC,
} TensorizerInputLayout;

typedef enum
{
  TENSORIZER_RGB,
  TENSORIZER_BGR,
} TensorizerOrder;

/* A kind of input. */
typedef struct
{
  const char *caps_name;
  /* Understands fixed caps. *@out receives the caps of the result, without their frame rate. */
  gboolean (*negotiate) (GstTensorizer *self, const GstCaps *caps, GstCaps **out, GError **error);
  /* What each channel of such data is normalized with; NULL when the settings do not fit. */
  PareChannel *(*new_channels) (GstTensorizer *self, GError **error);
  /* Appends the result's tensors to @out. */
  gboolean (*convert) (GstTensorizer *self, GstBuffer *in, GstBuffer *out, GError **error);
} TensorizerMedia;

extern const TensorizerMedia tensorizer_video, tensorizer_audio, tensorizer_tensors;

struct _GstTensorizer
{
  GstBaseTransform parent_instance;
  char *mean_text, *std_text;
  double scale;
  int layout, input_layout, order;

  GArray *mean, *std;           /* of float */
  const TensorizerMedia *media; /* what comes in, once the caps are known */
  GstVideoInfo video;
  GstAudioInfo audio;
  GArray *specs; /* of tensors in; NULL for flexible ones */
};

/* What to normalize each of @n channels with; @automatic is the scale unless the user gave one. */
PareChannel *tensorizer_new_channels (GstTensorizer *self, guint n, double automatic, GError **error);
/* Memory for a tensor of @spec, behind a header when @flexible, appended to @buffer and mapped; the data begins at the
 * returned address. */
float *
tensorizer_append (GstBuffer *buffer, const PareSpec *spec, gboolean flexible, GstMemory **memory, GstMapInfo *map);
