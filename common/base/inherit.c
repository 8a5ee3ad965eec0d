#include <tip/inherit.h>

#include <math.h>
#include <string.h>

#include <tip/domain.h>

enum {
    INHERIT_HOST_BITS = 64, /* of IPv6 a host has a /64 */
    INHERIT_FULL_BITS = 8,  /* 2^8 hosts still count as one */
    INHERIT_HALF_BITS = 8   /* so many bits wider: half */
};

/* How many hosts a network has, as a power of two. */
static int inherit_size_log2(const struct tip_prefix *net)
{
    int bits = net->addr.family == 4 ? 32 : INHERIT_HOST_BITS;

    return net->len < bits ? bits - net->len : 0;
}

double tip_inherit_net(const struct tip_prefix *net, bool is_whole)
{
    int size = inherit_size_log2(net);

    return is_whole || size <= INHERIT_FULL_BITS ? 1 : exp2(-(double)(size - INHERIT_FULL_BITS) / INHERIT_HALF_BITS);
}

static bool inherit_is_block(enum tip_kind kind)
{
    return kind == TIP_KIND_IP || kind == TIP_KIND_NET;
}

/* One lookup: what is asked about, read once. */
struct inherit_of {
    enum tip_kind kind;
    const char *value;
    struct tip_prefix block; /* of an address or a network */
};

static struct inherit_of inherit_of(enum tip_kind kind, const char *value)
{
    struct inherit_of of = {.kind = kind, .value = value};

    if (inherit_is_block(kind) && tip_prefix_parse(&of.block, NULL, value, strlen(value)))
        of.kind = TIP_KIND_NONE;
    return of;
}

/* How closely it lies around what is asked about: the larger the closer. */
static double inherit_share(const struct tip_inherit_verdict *from, const struct inherit_of *of, size_t *closenessp)
{
    struct tip_prefix net;

    *closenessp = strlen(from->value);
    if (from->kind == of->kind && strcmp(from->value, of->value) == 0)
        return 1;
    if (of->kind == TIP_KIND_DOMAIN && from->kind == TIP_KIND_DOMAIN)
        return from->is_subtree && tip_domain_is_under(of->value, from->value) ? 1 : 0;
    if (!inherit_is_block(of->kind) || from->kind != TIP_KIND_NET ||
        tip_prefix_parse(&net, NULL, from->value, strlen(from->value)) || !tip_prefix_covers(&net, &of->block))
        return 0;
    *closenessp = net.len;
    return tip_inherit_net(&net, from->is_whole);
}

double tip_inherit_share(const struct tip_inherit_verdict *from, enum tip_kind kind, const char *value)
{
    struct inherit_of of = inherit_of(kind, value);
    size_t closeness;

    return inherit_share(from, &of, &closeness);
}

struct tip_inherited tip_inherit(const struct tip_inherit_verdict *verdicts, size_t n, enum tip_kind kind,
                                 const char *value)
{
    struct tip_inherited most = {.from = n};
    struct inherit_of of = inherit_of(kind, value);
    size_t closest = 0;

    for (size_t i = 0; i < n; i++) {
        size_t closeness;
        double share = inherit_share(&verdicts[i], &of, &closeness);
        double score = share * verdicts[i].score;
        bool is_own = verdicts[i].kind == of.kind && strcmp(verdicts[i].value, value) == 0;

        if (score <= 0 || score < most.score)
            continue;
        if (score == most.score && (most.is_own || (!is_own && closeness <= closest)))
            continue;
        most = (struct tip_inherited){.score = score, .share = share, .from = i, .is_own = is_own};
        closest = closeness;
    }
    return most;
}
