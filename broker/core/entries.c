#include "core/entries.h"

void entries_init(struct entries *entries, const void *bytes, size_t n, uint32_t count)
{
    *entries = (struct entries){.at = bytes, .left = count};
    entries->end = n ? entries->at + n : entries->at;
}

int entries_next(struct entries *entries, struct entry *entry)
{
    const uint8_t *at = entries->at;
    size_t rest = (size_t)(entries->end - at);
    uint32_t topic_len;

    if (entries->left == 0)
        return rest ? ENTRIES_E_SHORT : ENTRIES_E_END;
    if (rest < ENTRIES_HEAD_BYTES)
        return ENTRIES_E_SHORT;
    topic_len = (uint32_t)at[0] | (uint32_t)at[1] << 8;
    entry->tlp = at[2];
    entry->event_len = (uint32_t)at[4] | (uint32_t)at[5] << 8 | (uint32_t)at[6] << 16 | (uint32_t)at[7] << 24;
    if (topic_len == 0 || topic_len > ENTRIES_TOPIC_MAX)
        return ENTRIES_E_TOPIC;
    if (entry->tlp < 1 || entry->tlp > 3)
        return ENTRIES_E_TLP;
    if (at[3] != 0)
        return ENTRIES_E_RESERVED;
    if (entry->event_len == 0 || entry->event_len > ENTRIES_EVENT_MAX)
        return ENTRIES_E_EVENT;
    rest -= ENTRIES_HEAD_BYTES;
    if (rest < topic_len || rest - topic_len < entry->event_len)
        return ENTRIES_E_SHORT;
    entry->topic_len = (uint8_t)topic_len;
    entry->topic = (const char *)at + ENTRIES_HEAD_BYTES;
    entry->event = at + ENTRIES_HEAD_BYTES + topic_len;
    entries->at = entry->event + entry->event_len;
    entries->left--;
    return 0;
}

const char *entries_why(int code)
{
    static const char *const why[] = {
        [ENTRIES_E_END] = "there are fewer events than announced",
        [ENTRIES_E_SHORT] = "the frame does not hold as many events as announced",
        [ENTRIES_E_TOPIC] = "a topic has 1 to 255 bytes",
        [ENTRIES_E_TLP] = "the marking is not clear, green or amber",
        [ENTRIES_E_EVENT] = "an event has 1 byte to 128 KiB",
        [ENTRIES_E_RESERVED] = "a byte that must be 0 is not",
    };

    return why[code];
}
