#include "gap.h"

#include <stdio.h>
#include <string.h>

bool gap_covers(const char *prefix)
{
    const char *class_name, *end;

    if (strncmp("v1.", prefix, strlen(prefix)) == 0)
        return true; /* "", "v1", "v1." */
    if (strncmp(prefix, "v1.", 3) != 0)
        return false;
    class_name = prefix + 3;
    end = strchr(class_name, '.');
    return !end || end[1] == '\0';
}

static bool gap_journal(struct gap *gap, const struct tip_id *journal_id, struct gap_loss *loss)
{
    bool is_first = tip_id_is_zero(&gap->journal_id);

    if (tip_id_equal(&gap->journal_id, journal_id))
        return false;
    *gap = (struct gap){.journal_id = *journal_id};
    loss->is_new_journal = !is_first;
    return !is_first;
}

static struct gap_class *gap_find(struct gap *gap, const char *name, size_t len, enum tip_tlp tlp)
{
    struct gap_class *at;

    for (size_t i = 0; i < gap->n; i++) {
        at = &gap->classes[i];
        if (at->tlp == tlp && strlen(at->name) == len && memcmp(at->name, name, len) == 0)
            return at;
    }
    if (gap->n == GAP_CLASSES || len > TIP_NAME_MAX)
        return NULL;
    at = &gap->classes[gap->n++];
    *at = (struct gap_class){.tlp = tlp};
    memcpy(at->name, name, len);
    return at;
}

static bool gap_step(struct gap_class *at, uint64_t first_missing_after, uint64_t seq, struct gap_loss *loss)
{
    bool is_lost = at->is_known && first_missing_after > at->last_seq;

    if (is_lost) {
        loss->class_name = at->name;
        loss->tlp = at->tlp;
        loss->from = at->last_seq + 1;
        loss->to = first_missing_after;
    }
    at->is_known = true;
    if (seq > at->last_seq)
        at->last_seq = seq;
    return is_lost;
}

bool gap_record(struct gap *gap, const struct tip_stamp *stamp, struct gap_loss *loss)
{
    const char *class_name = stamp->topic + strlen("v1.");
    struct gap_class *at;
    bool is_said;

    *loss = (struct gap_loss){.from = 0};
    if (stamp->class_seq == 0)
        return false; /* live only */
    is_said = gap_journal(gap, &stamp->journal_id, loss);
    at = gap_find(gap, class_name, strcspn(class_name, "."), stamp->tlp);
    if (!at)
        return is_said;
    return gap_step(at, stamp->class_seq - 1, stamp->class_seq, loss) || is_said;
}

bool gap_head(struct gap *gap, const struct tip_id *journal_id, const struct tip_class_head *head,
              struct gap_loss *loss)
{
    struct gap_class *at;
    bool is_said;

    *loss = (struct gap_loss){.from = 0};
    is_said = gap_journal(gap, journal_id, loss);
    at = gap_find(gap, head->class_name, strlen(head->class_name), head->tlp);
    if (!at)
        return is_said;
    return gap_step(at, head->class_seq, head->class_seq, loss) || is_said;
}
