/* SPDX-License-Identifier: LGPL-2.1-or-later
 * pare report: what the stages of a run did to every layer and why, as text or as a page with plots. */
#include "command.h"
#include "onnx/onnx.h"
#include "report-page.h"
#include "report-text.h"
#include <glib/gstdio.h>

typedef struct
{
  const char *path;
  const GString *page;
} Output;

static gboolean
write_page (int fd, gpointer user_data, GError **error)
{
  const Output *output = user_data;

  return pare_write_all (fd, output->page->str, output->page->len, output->path, error);
}

/* A slip of the fingers must not cost the record. */
static gboolean
check_output (const char *record, const char *output, GError **error)
{
  GStatBuf first, second;

  if (g_stat (record, &first) != 0 || g_stat (output, &second) != 0 || first.st_dev != second.st_dev
      || first.st_ino != second.st_ino)
    return TRUE;
  g_set_error (error, PARE_ERROR, PARE_ERROR_SETTINGS, "'%s' is the record itself: give the page another name.",
               output);
  return FALSE;
}

static gboolean
save_page (const GPtrArray *stages, const char *record, const char *output, GError **error)
{
  g_autofree char *name = g_path_get_basename (record);
  g_autofree char *shown = g_filename_display_name (name);
  g_autofree char *title = g_strdup_printf ("Record %s", shown);
  g_autoptr (GString) page = pare_report_page (stages, title);

  if (!pare_replace_file (output, write_page, &(Output){ output, page }, error))
    return FALSE;
  g_print ("%s: the record %s as a page of %" G_GSIZE_FORMAT " bytes.\n", output, record, page->len);
  return TRUE;
}

static gboolean
run (const PareArguments *arguments, GError **error)
{
  const char *path = arguments->words[0];
  g_autoptr (PareReportRecord) record = NULL;
  g_autoptr (GPtrArray) stages = NULL;

  if (arguments->output && !check_output (path, arguments->output, error))
    return FALSE;
  record = pare_report_record_load (path, error);
  if (!record)
    return FALSE;
  if (record->entries->len == 0)
    {
      g_set_error (error, PARE_ERROR, PARE_ERROR_NO_DATA,
                   "The record '%s' is empty: no stage of the pipeline that wrote it did anything.", path);
      return FALSE;
    }
  stages = pare_report_digest (record);
  if (arguments->output)
    return save_page (stages, path, arguments->output, error);
  pare_report_print (stages);
  return TRUE;
}

const PareCommand pare_command_report = {
  .name = "report",
  .words = "RECORD.json [-o REPORT.html]",
  .summary = "Show what was done to every layer and why, as text or as a page with plots",
  .details
  = "A record is what onnxexporter writes when it is given a name for one: 'pare run ... record=RECORD.json'.\n",
  .takes = PARE_TAKES_OUTPUT,
  .least = 1,
  .most = 1,
  .run = run,
};
