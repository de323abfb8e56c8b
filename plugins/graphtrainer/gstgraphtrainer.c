/* SPDX-License-Identifier: LGPL-2.1-or-later
 * graphtrainer: trains the network on labelled samples; the pad "validation" chooses the best epoch. */
#include "exec/inference.h"
#include "gst/gstpare.h"
#include "report.h"

G_DECLARE_FINAL_TYPE (GstGraphTrainer, gst_graph_trainer, GST, GRAPH_TRAINER, GstPareStage)

struct _GstGraphTrainer
{
  GstPareStage parent_instance;
  PareTrainSettings settings;
  PareCourseSettings course_settings;
  char *loss, *optimizer, *schedule, *quantizers, *checkpoint;
  guint warmup;
  guint64 checkpoint_interval;
  PareTrainer *trainer;
  PareCourse *course;
  guint batch_size;   /* of a whole batch; 0 before the first one */
  GError *error;      /* of the end of an epoch */
  GstPad *validation; /* request pad, NULL while absent */
  GstParePasses *passes;
};

G_DEFINE_TYPE (GstGraphTrainer, gst_graph_trainer, GST_TYPE_PARE_STAGE)

static GstStaticPadTemplate validation_template
    = GST_STATIC_PAD_TEMPLATE ("validation", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS (GST_PARE_TENSORS_CAPS));

#define FIELD(field) G_STRUCT_OFFSET (GstGraphTrainer, field)
#define OPTIMIZER(field) FIELD (settings.optimizer_settings.field)
#define SCHEDULE(field) FIELD (settings.schedule_settings.field)

static const GstPareProperty properties[] = {
  { "epochs", "Passes over the samples", G_TYPE_UINT, FIELD (course_settings.epochs), .initial = 1, .minimum = 1,
    .maximum = 100000 },
  { "loss", "cross-entropy, mse, l1 or bce-with-logits", G_TYPE_STRING, FIELD (loss), .text = "cross-entropy" },
  { "label-smoothing", "Share of a sample's weight that goes to all classes alike", G_TYPE_DOUBLE,
    FIELD (settings.loss_settings.label_smoothing), .maximum = 1 },
  { "optimizer", "sgd, adam or adamw", G_TYPE_STRING, FIELD (optimizer), .text = "sgd" },
  { "learning-rate", "Of weights", G_TYPE_DOUBLE, FIELD (settings.learning_rate), .initial = 0.01, .maximum = 1e30 },
  { "quantizer-learning-rate", "Of scales and ranges of quantizers; 0 is the learning-rate", G_TYPE_DOUBLE,
    FIELD (settings.quantizer_rate), .maximum = 1e6 },
  { "quantizers", "How quantizers learn: lsq or ulq", G_TYPE_STRING, FIELD (quantizers), .text = "lsq" },
  { "momentum", "Of sgd", G_TYPE_DOUBLE, OPTIMIZER (momentum), .initial = 0.9, .maximum = 1 },
  { "nesterov", "Whether sgd looks ahead", G_TYPE_BOOLEAN, OPTIMIZER (nesterov) },
  { "beta1", "Of adam: memory of the gradient", G_TYPE_DOUBLE, OPTIMIZER (beta1), .initial = 0.9, .maximum = 0.999999 },
  { "beta2", "Of adam: memory of its square", G_TYPE_DOUBLE, OPTIMIZER (beta2), .initial = 0.999,
    .maximum = 0.999999999 },
  { "epsilon", "Of adam: what keeps it from dividing by zero", G_TYPE_DOUBLE, OPTIMIZER (epsilon), .initial = 1e-8,
    .minimum = 1e-30, .maximum = 1 },
  { "weight-decay", "Pull of weights towards zero; biases, normalisations and quantizers have none", G_TYPE_DOUBLE,
    FIELD (settings.weight_decay), .maximum = 1e6 },
  { "clip-norm", "Gradients longer than this are shortened to it; 0: never", G_TYPE_DOUBLE, FIELD (settings.clip_norm),
    .maximum = 1e30 },
  { "schedule", "constant, step, cosine or one-cycle", G_TYPE_STRING, FIELD (schedule), .text = "constant" },
  { "warmup", "Steps in which the learning rate rises from zero", G_TYPE_UINT, FIELD (warmup), .maximum = G_MAXUINT },
  { "step-epochs", "Of the schedule step: epochs until the rate falls", G_TYPE_UINT, SCHEDULE (step_epochs),
    .initial = 10, .minimum = 1, .maximum = 100000 },
  { "step-factor", "Of the schedule step: what the rate is multiplied by then", G_TYPE_DOUBLE, SCHEDULE (step_factor),
    .initial = 0.1, .maximum = 1 },
  { "frozen-batchnorm", "BatchNormalization keeps the statistics that it has", G_TYPE_BOOLEAN,
    FIELD (settings.frozen_batchnorm) },
  { "keep-zeros", "Weights that are exactly zero stay zero, n:m sparse ones or not", G_TYPE_BOOLEAN,
    FIELD (settings.keep_zeros) },
  { "mask-decay", "Pull towards zero of weights hidden by an n:m mask that is drawn anew", G_TYPE_DOUBLE,
    FIELD (settings.mask_decay), .initial = 2e-4, .maximum = 1e6 },
  { "patience", "Epochs without progress on the validation samples after which training ends; 0: never", G_TYPE_UINT,
    FIELD (course_settings.patience), .maximum = 100000 },
  { "checkpoint", "File that training goes on from after an interruption", G_TYPE_STRING, FIELD (checkpoint) },
  { "checkpoint-interval", "Steps between writing it; 0: after every epoch", G_TYPE_UINT64, FIELD (checkpoint_interval),
    .maximum = G_MAXINT64 },
};

/* The properties as core takes them. */
static void
complete_settings (GstGraphTrainer *self)
{
  PareTrainSettings *settings = &self->settings;
  gboolean named = self->checkpoint && *self->checkpoint;

  settings->loss = self->loss;
  settings->optimizer = self->optimizer;
  settings->schedule = self->schedule;
  settings->quantizers = self->quantizers;
  settings->schedule_settings.warmup = self->warmup;
  if (settings->quantizer_rate == 0)
    settings->quantizer_rate = settings->learning_rate;
  self->course_settings.checkpoint = named ? self->checkpoint : NULL;
  self->course_settings.checkpoint_interval = self->checkpoint_interval;
}

static gboolean
begin (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphTrainer *self = GST_GRAPH_TRAINER (stage);

  complete_settings (self);
  self->batch_size = 0;
  self->trainer = pare_trainer_new (graph, &self->settings, error);
  if (!self->trainer)
    return FALSE;
  self->course = pare_course_new (self->trainer, graph, &self->course_settings, error);
  gst_pare_stage_set_passes (stage, self->course_settings.epochs);
  return self->course != NULL;
}

/* The batch size that was asked for, or that the network has. */
static guint
wanted_batch (GstPareStage *stage)
{
  g_autoptr (GPtrArray) inputs = pare_graph_free_inputs (gst_pare_stage_get_graph (stage));
  const PareValue *input = inputs->len ? inputs->pdata[0] : NULL;
  guint batch_size;

  if (input && input->has_shape && input->shape.rank && input->shape.dims[0] > 0)
    return input->shape.dims[0];
  g_object_get (stage, "batch-size", &batch_size, NULL);
  return batch_size;
}

/* At the first batch it is known how many samples there are. */
static gboolean
start (GstGraphTrainer *self, GError **error)
{
  GstPareStage *stage = GST_PARE_STAGE (self);
  guint batch = wanted_batch (stage), valid = gst_pare_stage_get_valid (stage);
  guint64 total = gst_pare_stage_get_total (stage), epoch = total / batch;

  if (valid < batch)
    {
      g_set_error (
          error, PARE_ERROR, PARE_ERROR_NO_DATA,
          "The first batch holds %u samples, fewer than the %u of a batch: give more samples, all of one shape, "
          "or set a smaller batch-size.",
          valid, batch);
      return FALSE;
    }
  if (!total && pare_trainer_needs_length (self->trainer))
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS,
                   "The schedule '%s' must know how many samples there are, and nothing before the tensors pad of %s "
                   "tells: put a tensorstore there whose pad shuffles, or set schedule=constant.",
                   self->schedule, GST_OBJECT_NAME (self));
      return FALSE;
    }
  self->batch_size = batch;
  pare_trainer_set_length (self->trainer, epoch, epoch * self->course_settings.epochs);
  return TRUE;
}

static gboolean
feed (GstPareStage *stage, PareTensor **batch, guint n, GError **error)
{
  GstGraphTrainer *self = GST_GRAPH_TRAINER (stage);
  PareTrainStep step;

  if (pare_course_is_over (self->course))
    {
      /* An earlier run came to the end already. */
      gst_pare_stage_enough (stage);
      return TRUE;
    }
  if (!self->batch_size && !start (self, error))
    return FALSE;
  /* The rest of a pass that fills no batch would distort batch statistics; shuffled, it is another one in every pass.
   */
  if (gst_pare_stage_get_valid (stage) < self->batch_size)
    return TRUE;
  if (!pare_course_step (self->course, batch, n, gst_pare_stage_get_valid (stage), &step, error))
    return FALSE;
  if (step.step)
    gst_graph_trainer_post_step (GST_ELEMENT (self), pare_course_epochs (self->course) + 1, &step);
  return TRUE;
}

static gboolean
feed_validation (PareTensor **batch, guint n, guint valid, gpointer validator, GError **error)
{
  return pare_validator_add (validator, batch, n, valid, error);
}

/* Measures the network as it would be pushed now. */
static gboolean
validate (GstGraphTrainer *self, PareValidation *validation, GError **error)
{
  g_autoptr (PareGraph) network = pare_graph_copy (gst_pare_stage_get_graph (GST_PARE_STAGE (self)));
  const PareLoss *loss = pare_loss_find (self->loss, error);
  g_autoptr (PareValidator) validator = NULL;

  if (!loss || !pare_trainer_apply (self->trainer, network, error))
    return FALSE;
  validator = pare_validator_new (network, loss);
  if (!gst_pare_passes_run (self->passes, network, feed_validation, validator, error))
    return FALSE;
  *validation = pare_validator_result (validator);
  return TRUE;
}

static gboolean
end_epoch (GstGraphTrainer *self, GError **error)
{
  gboolean new = pare_course_is_new_pass (self->course);
  PareValidation validation;
  guint n;

  if (new && self->passes && !validate (self, &validation, error))
    return FALSE;
  if (!pare_course_end_pass (self->course, new && self->passes ? &validation : NULL, error))
    return FALSE;
  n = pare_course_epochs (self->course);
  if (new)
    gst_graph_trainer_post_epoch (GST_ELEMENT (self), n, pare_course_epoch (self->course, n - 1));
  return TRUE;
}

static gboolean
again (GstPareStage *stage)
{
  GstGraphTrainer *self = GST_GRAPH_TRAINER (stage);

  /* The first of two errors counts; finish reports it. */
  return self->batch_size && end_epoch (self, self->error ? NULL : &self->error) && !pare_course_is_over (self->course);
}

static gboolean
finish (GstPareStage *stage, PareGraph *graph, GError **error)
{
  GstGraphTrainer *self = GST_GRAPH_TRAINER (stage);
  int best;

  if (self->error)
    {
      g_propagate_error (error, g_steal_pointer (&self->error));
      return FALSE;
    }
  if (!pare_course_finish (self->course, &best, error) || !pare_trainer_apply (self->trainer, graph, error))
    return FALSE;
  gst_graph_trainer_record (graph->record, self->course, best);
  return TRUE;
}

static void
reset (GstPareStage *stage)
{
  GstGraphTrainer *self = GST_GRAPH_TRAINER (stage);

  g_clear_pointer (&self->course, pare_course_free);
  g_clear_pointer (&self->trainer, pare_trainer_free);
  g_clear_error (&self->error);
}

/* The pad "validation" */

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template, const char *name, const GstCaps *caps)
{
  GstGraphTrainer *self = GST_GRAPH_TRAINER (element);

  if (g_strcmp0 (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), "validation"))
    return GST_ELEMENT_CLASS (gst_graph_trainer_parent_class)->request_new_pad (element, template, name, caps);
  if (self->validation)
    return NULL;
  self->validation = gst_pad_new_from_template (template, "validation");
  self->passes = gst_pare_passes_new (GST_PARE_STAGE (self), self->validation);
  gst_element_add_pad (element, self->validation);
  return self->validation;
}

static void
drop_validation (GstGraphTrainer *self)
{
  gst_pare_passes_set_stopping (self->passes, TRUE);
  gst_pad_set_active (self->validation, FALSE);
  gst_element_remove_pad (GST_ELEMENT (self), self->validation);
  self->validation = NULL;
  g_clear_pointer (&self->passes, gst_pare_passes_free);
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  GstGraphTrainer *self = GST_GRAPH_TRAINER (element);

  if (pad == self->validation)
    drop_validation (self);
  else
    GST_ELEMENT_CLASS (gst_graph_trainer_parent_class)->release_pad (element, pad);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstGraphTrainer *self = GST_GRAPH_TRAINER (element);

  /* Before the pads stop, which waits for their threads. */
  if (self->passes
      && (transition == GST_STATE_CHANGE_READY_TO_PAUSED || transition == GST_STATE_CHANGE_PAUSED_TO_READY))
    gst_pare_passes_set_stopping (self->passes, transition == GST_STATE_CHANGE_PAUSED_TO_READY);
  return GST_ELEMENT_CLASS (gst_graph_trainer_parent_class)->change_state (element, transition);
}

static void
finalize (GObject *object)
{
  g_clear_pointer (&GST_GRAPH_TRAINER (object)->passes, gst_pare_passes_free);
  G_OBJECT_CLASS (gst_graph_trainer_parent_class)->finalize (object);
}

static void
gst_graph_trainer_init (GstGraphTrainer *self)
{
}

static void
gst_graph_trainer_class_init (GstGraphTrainerClass *klass)
{
  GstPareStageClass *stage_class = GST_PARE_STAGE_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  stage_class->needs_samples = TRUE;
  stage_class->needs_float32 = TRUE;
  stage_class->begin = begin;
  stage_class->feed = feed;
  stage_class->again = again;
  stage_class->finish = finish;
  stage_class->reset = reset;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  element_class->change_state = change_state;
  G_OBJECT_CLASS (klass)->finalize = finalize;
  gst_pare_stage_class_add_tensors_pad (stage_class);
  gst_element_class_add_static_pad_template (element_class, &validation_template);
  gst_pare_class_install_properties (G_OBJECT_CLASS (klass), properties, G_N_ELEMENTS (properties));
  gst_element_class_set_static_metadata (element_class, "Graph trainer", "Filter/Graph",
                                         "Trains networks on labelled samples", "Pare contributors");
}

GST_PARE_DEFINE_PLUGIN (graphtrainer, "Trains networks", gst_graph_trainer_get_type ())
