/* RFC 5424: <PRI>1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID [SD] MSG */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tip/clock.h>
#include <tip/utf8.h>

#include "siem/doc.h"

/*
 * 32473 is the enterprise number for documentation (RFC 5612): TIP has none of its own. local0 is where nothing else
 * writes by itself.
 */
#define SYSLOG_SD_ID "tip@32473"

enum { SYSLOG_LOCAL0 = 16, SYSLOG_PROCID_MAX = 128, SYSLOG_MSGID_MAX = 32, SYSLOG_TEXT_MAX = 1024 };

/* A header's word: printable ASCII, "-" for nothing. */
static int syslog_word(struct tip_buf *out, const char *text, size_t max)
{
    int r = 0;

    if (!*text)
        return tip_buf_append_text(out, " -");
    r = tip_buf_append(out, " ", 1);
    for (size_t i = 0; text[i] && i < max && r == 0; i++)
        r = tip_buf_append(out, text[i] > ' ' && text[i] <= '~' ? &text[i] : "_", 1);
    return r;
}

/* name="value" with backslashes before '"', '\' and ']'; what is no character, and controls, become U+FFFD and '?'. */
static int syslog_param(struct tip_buf *out, const char *name, const char *value, size_t len)
{
    uint32_t point;
    size_t n;
    int r = tip_buf_append_format(out, " %s=\"", name);

    for (size_t at = 0; at < len && r == 0; at += n) {
        n = tip_utf8_next(value + at, len - at, &point);
        if (n == 0) {
            n = 1;
            r = tip_buf_append_text(out, "\xef\xbf\xbd");
            continue;
        }
        if (point < 0x20 || point == 0x7f) {
            r = tip_buf_append(out, "?", 1);
            continue;
        }
        if (strchr("\"\\]", (int)point) && point < 0x7f)
            r = tip_buf_append(out, "\\", 1);
        if (!r)
            r = tip_buf_append(out, value + at, n);
    }
    return r ? r : tip_buf_append(out, "\"", 1);
}

static int syslog_text(struct tip_buf *out, const char *name, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    return len ? syslog_param(out, name, text, len < SYSLOG_TEXT_MAX ? len : SYSLOG_TEXT_MAX) : 0;
}

static int syslog_header(const struct siem_doc *doc, const char *host, struct tip_buf *out)
{
    int64_t at_ms = doc->event ? doc->event->observed_unix_ms : doc->stamp->commit_unix_us / 1000;
    char when[TIP_CLOCK_TEXT];
    int r;

    tip_clock_format(at_ms, when);
    r = tip_buf_append_format(out, "<%d>1 %s", SYSLOG_LOCAL0 * 8 + (int)doc->severity, at_ms > 0 ? when : "-");
    if (!r)
        r = syslog_word(out, host, 255);
    if (!r)
        r = tip_buf_append_text(out, " tip");
    if (!r)
        r = syslog_word(out, doc->stamp->publisher, SYSLOG_PROCID_MAX);
    return r ? r : syslog_word(out, doc->kind_name, SYSLOG_MSGID_MAX);
}

static int syslog_stamp(const struct siem_doc *doc, struct tip_buf *out)
{
    char journal[33], seq[24];
    int r;

    for (size_t i = 0; i < sizeof(doc->stamp->journal_id.bytes); i++)
        snprintf(journal + 2 * i, 3, "%02x", doc->stamp->journal_id.bytes[i]);
    snprintf(seq, sizeof(seq), "%" PRIu64, doc->stamp->seq);
    r = syslog_text(out, "id", doc->id);
    if (!r)
        r = syslog_text(out, "journal", journal);
    if (!r)
        r = syslog_text(out, "seq", seq);
    return r || !doc->stamp->tlp ? r : syslog_text(out, "tlp", tip_tlp_name(doc->stamp->tlp));
}

static int syslog_indicator(const struct siem_doc *doc, struct tip_buf *out)
{
    char score[24];
    int r = 0;

    if (doc->indicator) {
        r = syslog_text(out, "type", siem_indicator_type(doc->indicator, doc->value, doc->value_len));
        if (!r)
            r = syslog_param(out, "indicator", doc->value, doc->value_len);
    }
    if (!r)
        r = syslog_text(out, "source", doc->source);
    if (r || !doc->verdict)
        return r;
    snprintf(score, sizeof(score), "%.4f", doc->verdict->score);
    return syslog_text(out, "score", score);
}

static int syslog_fields(const struct siem_doc *doc, struct tip_buf *out)
{
    char number[24];
    int r = 0;

    for (size_t i = 0; i < doc->n_fields && r == 0; i++) {
        const struct siem_field *field = &doc->fields[i];

        snprintf(number, sizeof(number), "%" PRIu64, field->number);
        r = syslog_text(out, field->name, field->text ? field->text : number);
    }
    return r;
}

static int syslog_data(const struct siem_doc *doc, struct tip_buf *out)
{
    const struct {
        const char *name, *text;
    } rows[] = {
        {"action", doc->action}, {"outcome", doc->outcome}, {"service", doc->service},
        {"user", doc->user},     {"reason", doc->reason},
    };
    int r = tip_buf_append_text(out, " [" SYSLOG_SD_ID);

    if (!r)
        r = syslog_stamp(doc, out);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && r == 0; i++)
        r = syslog_text(out, rows[i].name, rows[i].text);
    if (!r)
        r = syslog_indicator(doc, out);
    if (!r)
        r = syslog_fields(doc, out);
    return r ? r : tip_buf_append(out, "]", 1);
}

static bool syslog_is_ascii(const char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text > 0x7e)
            return false;
    }
    return true;
}

/* As much of the text as fits, whole characters, controls as blanks; UTF-8 is announced by its mark. */
static int syslog_message(const struct siem_doc *doc, size_t room, struct tip_buf *out)
{
    const char *mark = syslog_is_ascii(doc->message) ? " " : " \xef\xbb\xbf";
    size_t len = strlen(doc->message), at = 0, n;
    uint32_t point;
    int r;

    if (room < strlen(mark) + 4)
        return 0;
    room -= strlen(mark);
    r = tip_buf_append_text(out, mark);
    for (; at < len && r == 0; at += n) {
        n = tip_utf8_next(doc->message + at, len - at, &point);
        if (n == 0 || n > room - at)
            break; /* cut, at the latest here */
        r = tip_buf_append(out, point < 0x20 || point == 0x7f ? " " : doc->message + at, n);
    }
    return r;
}

int siem_syslog(const struct siem_doc *doc, const char *host, struct tip_buf *out)
{
    size_t begin = out->len;
    int r = syslog_header(doc, host, out);

    if (!r)
        r = syslog_data(doc, out);
    if (!r && out->len - begin > SIEM_SYSLOG_BYTES)
        r = -EMSGSIZE;
    return r ? r : syslog_message(doc, SIEM_SYSLOG_BYTES - (out->len - begin), out);
}
