#include "observe_key.h"

#include <stddef.h>
#include <string.h>

/* Until 4 `distinct` of a flux observation was its network, which is `also` now: one of each would count as two. */
enum { OBSERVE_DAY_S = 24 * 60 * 60, OBSERVE_FORMAT = 4, OBSERVE_FORMAT_NETWORKS = 3 };

size_t observe_key_len(const struct bl_observation *observation)
{
    return sizeof(struct observe_head) + (observation->because_of ? strlen(observation->because_of) : 0) + 1 +
           observation->len + 1;
}

void observe_key_write(const struct bl_observation *observation, unsigned char *key)
{
    const char *because_of = observation->because_of ? observation->because_of : "";
    struct observe_head head;

    memset(&head, 0, sizeof(head));
    head = (struct observe_head){.distinct = observation->distinct,
                                 .format = OBSERVE_FORMAT,
                                 .kind = (uint8_t)observation->kind,
                                 .what = (uint8_t)observation->what,
                                 .tlp = observation->tlp,
                                 .because_len = (uint32_t)strlen(because_of),
                                 .day = observation->at_s / OBSERVE_DAY_S,
                                 .also = observation->also};
    memcpy(key, &head, sizeof(head));
    key += sizeof(head);
    memcpy(key, because_of, head.because_len + 1);
    key += head.because_len + 1;
    memcpy(key, observation->value, observation->len);
    key[observation->len] = '\0';
}

static bool observe_format_known(const struct observe_head *head)
{
    return head->format == OBSERVE_FORMAT ||
           (head->format == OBSERVE_FORMAT_NETWORKS && head->what != BL_EVIDENCE_FLUX);
}

bool observe_key_is_old(const unsigned char *key, size_t len)
{
    struct observe_head head;

    if (len < sizeof(head))
        return false;
    memcpy(&head, key, sizeof(head));
    return head.format < OBSERVE_FORMAT && !observe_format_known(&head);
}

void observe_key_renew(unsigned char *key)
{
    key[offsetof(struct observe_head, format)] = OBSERVE_FORMAT;
}

bool observe_key_read(const unsigned char *key, size_t len, struct bl_observation *observation)
{
    struct observe_head head;

    if (len < sizeof(head) + 2 || key[len - 1])
        return false;
    memcpy(&head, key, sizeof(head));
    if (!observe_format_known(&head) || head.what >= BL_EVIDENCE_KIND_COUNT || head.kind >= TIP_KIND_COUNT ||
        head.because_len > len - sizeof(head) - 2 || key[sizeof(head) + head.because_len])
        return false;
    *observation = (struct bl_observation){.kind = (enum tip_kind)head.kind,
                                           .value = (const char *)key + sizeof(head) + head.because_len + 1,
                                           .len = len - sizeof(head) - head.because_len - 2,
                                           .what = (enum bl_evidence_kind)head.what,
                                           .distinct = head.distinct,
                                           .also = head.also,
                                           .tlp = head.tlp,
                                           .because_of = head.because_len ? (const char *)key + sizeof(head) : NULL};
    return true;
}
