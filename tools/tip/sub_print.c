#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tip/clock.h>
#include <tip/loop.h>

#include "line.h"
#include "sub.h"

/* ---- for programs ---- */

static int sub_print_json(const struct tip_event *event, const struct tip_stamp *stamp)
{
    tip_auto(tip_buf_deinit) struct tip_buf line;
    int r;

    tip_buf_init(&line, SUB_LINE_BYTES);
    r = tip_event_json(event, stamp, &line);
    if (r == 0)
        puts(tip_buf_text(&line));
    return r;
}

static int sub_print_doc(void *ctx, const struct siem_doc *doc)
{
    const struct sub *sub = ctx;
    tip_auto(tip_buf_deinit) struct tip_buf line;
    int r;

    tip_buf_init(&line, SUB_LINE_BYTES);
    r = sub->format == SUB_ECS ? siem_ecs(doc, &line) : siem_syslog(doc, sub->host, &line);
    if (r == 0)
        puts(tip_buf_text(&line));
    return r;
}

void sub_print_gap(struct sub *sub, const struct siem_gap *gap)
{
    tip_auto(tip_buf_deinit) struct tip_buf line;
    struct tip_stamp stamp;
    struct siem_doc doc;

    sub->is_lossy = true;
    tip_buf_init(&line, SUB_LINE_BYTES);
    if (sub->format == SUB_JSON && siem_gap_json(gap, &line) == 0)
        puts(tip_buf_text(&line));
    if (sub->format != SUB_ECS && sub->format != SUB_SYSLOG)
        return;
    siem_gap_doc(gap, &stamp, &doc);
    if (sub_print_doc(sub, &doc))
        cli_error("a gap cannot be shown");
}

/* ---- for people ---- */

static int sub_print_line(struct sub *sub, const struct tip_event *event, const struct tip_stamp *stamp)
{
    tip_auto(tip_buf_deinit) struct tip_buf line;
    char when[TIP_CLOCK_TEXT];
    const char *cells[] = {when, stamp->topic, event->kind_name, NULL};
    int r;

    tip_buf_init(&line, SUB_LINE_BYTES);
    r = line_event(event, &line);
    if (r)
        return r;
    tip_clock_format(event->observed_unix_ms, when);
    cells[3] = tip_buf_text(&line);
    if (sub->csv) {
        out_row(sub->csv, cells, NULL);
        return 0;
    }
    printf("%s%s%s %s ", out_style_on(&sub->cli->out, OUT_DIM), when, out_style_off(&sub->cli->out), stamp->topic);
    out_safe(stdout, cells[3]);
    putchar('\n');
    return 0;
}

/* ---- both ---- */

static void sub_unreadable(struct sub *sub, const struct tip_record *record, const char *why)
{
    const struct tip_stamp *stamp = &record->stamp;

    fprintf(stderr, "tip: record %" PRIu64 " (%s) cannot be read: %s\n", stamp->seq, stamp->topic, why);
    if (!sub->fetch)
        return; /* live: it is best effort anyway */
    sub_print_gap(sub, &(struct siem_gap){.reason = "unreadable",
                                          .journal_id = stamp->journal_id,
                                          .before_id = stamp->journal_id,
                                          .from_seq = stamp->seq,
                                          .to_seq = stamp->seq,
                                          .next_seq = stamp->seq + 1,
                                          .now_unix_ms = tip_loop_wall_ms()});
}

static int sub_print_event(struct sub *sub, const struct tip_event *event, const struct tip_stamp *stamp)
{
    switch (sub->format) {
    case SUB_JSON:
        return sub_print_json(event, stamp);
    case SUB_ECS:
    case SUB_SYSLOG:
        return siem_each(event, stamp, sub_print_doc, sub);
    case SUB_PEOPLE:
    case SUB_CSV:
        break;
    }
    return sub_print_line(sub, event, stamp);
}

void sub_print(struct sub *sub, const struct tip_record *record)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    const char *reason = NULL;
    int r = tip_event_decode(record->event, record->event_len, &event, &reason);

    if (r == 0)
        r = sub_print_event(sub, event, &record->stamp);
    if (r)
        sub_unreadable(sub, record, reason && *reason ? reason : strerror(r < 0 ? -r : EINVAL));
    sub->n_printed++;
    if (sub->n_printed == sub->count)
        sub->is_over = true;
}

void sub_on_gone(void *ctx)
{
    struct sub *sub = ctx;

    sub->is_over = sub->is_gone = true;
    client_wake(&sub->client);
}

void sub_flush(struct sub *sub)
{
    fflush(stdout);
    if (ferror(stdout))
        sub->is_over = true;
    if (sub->is_over)
        client_wake(&sub->client);
}
