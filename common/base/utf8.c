#include <tip/utf8.h>

#include <assert.h>
#include <string.h>

/* Unicode 15, table 3-7: by leading byte, the length and the range of the second byte; the others are 80 to BF. */
static const struct utf8_lead {
    uint8_t first, last; /* leading bytes */
    uint8_t len;
    uint8_t low, high; /* second byte */
} utf8_leads[] = {
    {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf}, {0xed, 0xed, 3, 0x80, 0x9f},
    {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf}, {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
};

static const struct utf8_lead *utf8_lead_find(uint8_t byte)
{
    for (size_t i = 0; i < sizeof(utf8_leads) / sizeof(*utf8_leads); i++) {
        if (byte >= utf8_leads[i].first && byte <= utf8_leads[i].last)
            return &utf8_leads[i];
    }
    return NULL;
}

size_t tip_utf8_next(const char *text, size_t len, uint32_t *pointp)
{
    const uint8_t *b = (const uint8_t *)text;
    const struct utf8_lead *lead;
    uint32_t point;

    if (!len)
        return 0;
    if (b[0] < 0x80) {
        *pointp = b[0];
        return 1;
    }
    lead = utf8_lead_find(b[0]);
    if (!lead || lead->len > len || b[1] < lead->low || b[1] > lead->high)
        return 0;
    point = b[0] & (0x7fu >> lead->len);
    for (size_t i = 1; i < lead->len; i++) {
        if ((b[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (b[i] & 0x3fu);
    }
    *pointp = point;
    return lead->len;
}

bool tip_utf8_valid(const char *text, size_t len)
{
    while (len) {
        uint32_t point;
        size_t n = tip_utf8_next(text, len, &point);

        if (!n || !point)
            return false;
        text += n;
        len -= n;
    }
    return true;
}

size_t tip_utf8_copy(char *to, size_t room, const char *text, size_t len)
{
    size_t at = 0;

    assert(room > 0);
    while (len) {
        uint32_t point = 0;
        size_t n = tip_utf8_next(text, len, &point);
        const char *from = point ? text : "\xef\xbf\xbd";
        size_t n_to = point ? n : 3;

        if (n_to >= room - at)
            break;
        memcpy(to + at, from, n_to);
        at += n_to;
        text += n ? n : 1;
        len -= n ? n : 1;
    }
    to[at] = '\0';
    return at;
}
