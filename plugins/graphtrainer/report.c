/* SPDX-License-Identifier: LGPL-2.1-or-later
 * Messages and record entries of graphtrainer. */
#include "report.h"
#include <math.h>

/* Numbers that there are not (accuracy of a regression) are left out. */
static void
set_number (GstStructure *structure, const char *name, double number)
{
  if (isfinite (number))
    gst_structure_set (structure, name, G_TYPE_DOUBLE, number, NULL);
}

static GstStructure *
structure_new (guint epoch, guint64 step, double loss, double accuracy, double rate)
{
  GstStructure *structure = gst_structure_new ("training", "epoch", G_TYPE_UINT, epoch, "step", G_TYPE_UINT64, step,
                                               "loss", G_TYPE_DOUBLE, loss, NULL);

  set_number (structure, "accuracy", accuracy);
  set_number (structure, "learning-rate", rate);
  return structure;
}

static void
post (GstElement *element, GstStructure *structure)
{
  gst_element_post_message (element, gst_message_new_element (GST_OBJECT (element), structure));
}

void
gst_graph_trainer_post_step (GstElement *element, guint epoch, const PareTrainStep *step)
{
  double accuracy = step->correct < 0 ? NAN : (double)step->correct / step->samples;

  post (element, structure_new (epoch, step->step, step->loss, accuracy, step->rate));
}

void
gst_graph_trainer_post_epoch (GstElement *element, guint number, const PareEpoch *epoch)
{
  GstStructure *structure = structure_new (number, epoch->steps, epoch->loss, epoch->accuracy, epoch->rate);

  gst_structure_set (structure, "epoch-end", G_TYPE_BOOLEAN, TRUE, NULL);
  set_number (structure, "validation-loss", epoch->validation.loss);
  set_number (structure, "validation-accuracy", epoch->validation.accuracy);
  post (element, structure);
}

static void
record_epoch (PareRecord *record, guint number, const PareEpoch *epoch)
{
  const struct
  {
    const char *name;
    double value;
  } all[] = {
    { "epoch", number },
    { "step", epoch->steps },
    { "loss", epoch->loss },
    { "accuracy", epoch->accuracy },
    { "learning-rate", epoch->rate },
    { "validation-loss", epoch->validation.loss },
    { "validation-accuracy", epoch->validation.accuracy },
  };
  const char *names[G_N_ELEMENTS (all)];
  double values[G_N_ELEMENTS (all)];
  guint n = 0;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    if (isfinite (all[i].value))
      {
        names[n] = all[i].name;
        values[n++] = all[i].value;
      }
  pare_record_add_numbers (record, "graphtrainer", "", "trained", NULL, n, names, values);
}

void
gst_graph_trainer_record (PareRecord *record, const PareCourse *course, int best)
{
  for (guint i = 0; i < pare_course_epochs (course); i++)
    record_epoch (record, i + 1, pare_course_epoch (course, i));
  if (best >= 0)
    pare_record_add (record, "graphtrainer", "", "kept the best epoch", "it did best on the validation samples",
                     "epoch", best + 1.0, NULL);
}
