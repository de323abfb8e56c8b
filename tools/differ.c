/* SPDX-License-Identifier: LGPL-2.1-or-later
 * A stage of the tool's own: compares the graph that passes through it with the teacher's, on every sample. */
#include "differ.h"

struct _PareDiffer
{
  GstPareStage parent_instance;
  PareComparison *comparison;
};

G_DEFINE_TYPE (PareDiffer, pare_differ, GST_TYPE_PARE_STAGE)

static gboolean
begin (GstPareStage *stage, PareGraph *graph, GError **error)
{
  PareDiffer *differ = PARE_DIFFER (stage);

  g_clear_pointer (&differ->comparison, pare_comparison_free);
  differ->comparison = pare_comparison_new (gst_pare_stage_get_teacher (stage), graph, error);
  return differ->comparison != NULL;
}

static gboolean
feed (GstPareStage *stage, PareTensor **batch, guint n, GError **error)
{
  return pare_comparison_feed (PARE_DIFFER (stage)->comparison, batch, gst_pare_stage_get_valid (stage), error);
}

static void
finalize (GObject *object)
{
  g_clear_pointer (&PARE_DIFFER (object)->comparison, pare_comparison_free);
  G_OBJECT_CLASS (pare_differ_parent_class)->finalize (object);
}

static void
pare_differ_init (PareDiffer *differ)
{
}

static void
pare_differ_class_init (PareDifferClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = finalize;
  stage_class->needs_samples = TRUE;
  stage_class->begin = begin;
  stage_class->feed = feed;
  gst_pare_stage_class_add_tensors_pad (stage_class);
  gst_pare_stage_class_add_teacher_pad (stage_class);
  gst_element_class_set_static_metadata (GST_ELEMENT_CLASS (klass), "Graph differ", "Filter/Analyzer",
                                         "Compares a graph with its teacher, value by value", "Pare");
}

const PareComparison *
pare_differ_comparison (PareDiffer *differ)
{
  return differ->comparison;
}
