/* SPDX-License-Identifier: LGPL-2.1-or-later
 * NonMaxSuppression: per class, boxes by falling score, without those that overlap a better one too much. How many stay
 * decides the shape, so it runs on constants alone. */
#include "ops/infer.h"
#include <string.h>

static const PareDataType int64_types[] = { PARE_INT64, 0 };

typedef struct
{
  gint64 batches, boxes, classes, most;
  float overlap, least;
  gboolean has_least, centred;
  const float *box, *score;
} Job;

/* y1, x1, y2, x2, in order. */
static void
corners (const Job *job, gint64 batch, gint64 index, float box[4])
{
  const float *b = job->box + (batch * job->boxes + index) * 4;

  for (int i = 0; i < 2; i++)
    if (job->centred)
      {
        box[i] = b[1 - i] - b[3 - i] / 2;
        box[2 + i] = b[1 - i] + b[3 - i] / 2;
      }
    else
      {
        box[i] = MIN (b[i], b[2 + i]);
        box[2 + i] = MAX (b[i], b[2 + i]);
      }
}

static gboolean
overlap (const Job *job, gint64 batch, gint64 i, gint64 j)
{
  float a[4], b[4], common, area;

  corners (job, batch, i, a);
  corners (job, batch, j, b);
  common = MAX (MIN (a[2], b[2]) - MAX (a[0], b[0]), 0) * MAX (MIN (a[3], b[3]) - MAX (a[1], b[1]), 0);
  area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common;
  return area > 0 && common / area > job->overlap;
}

static int
compare_scores (gconstpointer a, gconstpointer b, gpointer data)
{
  gint64 i = *(const gint64 *)a, j = *(const gint64 *)b;
  const float *score = data;

  return score[i] > score[j] ? -1 : score[i] < score[j] ? 1 : i < j ? -1 : i > j;
}

/* Appends (batch, class, box) of those of one class that stay. */
static void
select_class (const Job *job, gint64 batch, gint64 class, GArray *selected)
{
  const float *score = job->score + (batch * job->classes + class) * job->boxes;
  g_autofree gint64 *order = g_new (gint64, MAX (job->boxes, 1));
  gint64 n = 0, first = selected->len / 3;

  for (gint64 i = 0; i < job->boxes; i++)
    if (!job->has_least || score[i] > job->least)
      order[n++] = i;
  g_qsort_with_data (order, n, sizeof *order, compare_scores, (gpointer)score);
  for (gint64 i = 0; i < n && selected->len / 3 - first < job->most; i++)
    {
      gboolean hidden = FALSE;
      for (guint k = first; k < selected->len / 3 && !hidden; k++)
        hidden = overlap (job, batch, order[i], g_array_index (selected, gint64, k * 3 + 2));
      if (!hidden)
        g_array_append_vals (selected, ((gint64[]){ batch, class, order[i] }), 3);
    }
}

static GArray *
select_all (const PareNode *node, const PareView *inputs, guint n_inputs)
{
  GArray *selected = g_array_new (FALSE, FALSE, sizeof (gint64));
  gboolean has[5];
  Job job = { 0 };

  for (guint i = 0; i < 5; i++)
    has[i] = i < n_inputs && inputs[i].type != PARE_UNDEFINED && pare_view_elements (&inputs[i]) > 0;
  if (!has[0] || !has[1] || !has[2])
    return selected;
  job = (Job){ inputs[0].shape.dims[0], inputs[0].shape.dims[1], inputs[1].shape.dims[1],
               *(const gint64 *)inputs[2].data };
  job.overlap = has[3] ? *(const float *)inputs[3].data : 0;
  job.has_least = has[4];
  job.least = has[4] ? *(const float *)inputs[4].data : 0;
  job.centred = pare_node_get_int (node, "center_point_box", 0) != 0;
  job.box = inputs[0].data;
  job.score = inputs[1].data;
  for (gint64 batch = 0; batch < job.batches; batch++)
    for (gint64 class = 0; class < job.classes; class ++)
      select_class (&job, batch, class, selected);
  return selected;
}

static gboolean
check_shapes (const PareInfer *infer, GError **error)
{
  const PareShape *boxes = &infer->inputs[0].shape, *scores = &infer->inputs[1].shape;

  if (!pare_infer_require_rank (infer, 0, 3, error) || !pare_infer_require_rank (infer, 1, 3, error))
    return FALSE;
  if (boxes->dims[2] == 4 && boxes->dims[0] == scores->dims[0] && boxes->dims[1] == scores->dims[2])
    return TRUE;
  pare_node_error (error, PARE_ERROR_FORMAT, infer->node, "its boxes and scores do not fit each other.");
  return FALSE;
}

static gboolean
nonmaxsuppression_infer (PareInfer *infer, GError **error)
{
  PareView views[5] = { 0 };
  g_autoptr (GArray) selected = NULL;

  if (!pare_infer_counts (infer, 2, 5, error))
    return FALSE;
  for (guint i = 0; i < infer->n_inputs; i++)
    {
      if (i >= 2 && !pare_infer_has (infer, i))
        continue;
      if (!pare_infer_require (infer, i, i == 2 ? int64_types : pare_types_float32, error)
          || !pare_infer_require_constant (infer, i, error))
        return FALSE;
      views[i] = (PareView){ infer->inputs[i].type, infer->inputs[i].shape,
                             (gpointer)pare_tensor_data (infer->constants[i]) };
    }
  if (!check_shapes (infer, error))
    return FALSE;
  selected = select_all (infer->node, views, infer->n_inputs);
  infer->outputs[0] = (PareSpec){ PARE_INT64, { 2, { selected->len / 3, 3 } } };
  return TRUE;
}

static gboolean
nonmaxsuppression_forward (const PareKernel *kernel, GError **error)
{
  g_autoptr (GArray) selected = select_all (kernel->node, kernel->inputs, kernel->n_inputs);

  if (selected->len)
    memcpy (kernel->outputs[0].data, selected->data, selected->len * sizeof (gint64));
  return TRUE;
}

PARE_OPERATORS (nonmaxsuppression) = {
  { .name = "NonMaxSuppression", .since = 10, .infer = nonmaxsuppression_infer, .forward = nonmaxsuppression_forward },
  { NULL },
};
