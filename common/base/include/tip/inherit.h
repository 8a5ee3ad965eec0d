#pragma once
/*
 * What a verdict means for what lies inside: an address inherits from the networks around it, a network from wider
 * ones, a name from the names above it. Verdicts are of single indicators; whoever asks about one takes the strongest
 * of its own and of those around it, each times its share:
 *
 *     score(x) = max over verdicts v of v.score * tip_inherit_share(v, x)
 *
 *   - x itself: 1.
 *   - A network around an address or a network: 1 up to /24, or when the verdict says `whole`; for wider ones
 *     2^(-(log2 size - 8) / 8), size in addresses: /16 1/2, /8 1/4. Of IPv6 the size counts in /64s, since a /64 is
 * what one host has: 1 up to /56, /48 1/2, /32 1/8.
 *   - A domain above a name: 1 when the verdict says `subtree`, else nothing.
 *   - Nothing else inherits: neither a URL nor an endpoint from its host.
 *
 * The formula is ours: a /24 is what is usually run by one hand, and eight bits wider halves what is known of one
 * address in it. The exception are lists of networks that are bad throughout (`networks: whole` of a source).
 *
 * It is a maximum, never a sum: so what is inherited is at most what one verdict says by itself, and `block` is
 * inherited only from a verdict that is `block` itself, for which two families or two independent sources stand, or the
 * operators' word. The tier is that of the score (tip_tier_of), as everywhere.
 *
 * What reference lists exempt and what the operators' list says come after inheritance: who is a resolver inherits
 * nothing, a top site a quarter, what is allowed nothing. That is for the caller to see. A verdict of its own says it
 * in its first reason; for what has none only verdict.lookup knows them all.
 */
#include <stdbool.h>
#include <stddef.h>

#include <tip/addr.h>
#include <tip/indicator.h>

/** A verdict, as far as it matters here. */
struct tip_inherit_verdict {
    enum tip_kind kind;
    const char *value; /* canonical, NUL-terminated; borrowed */
    double score;      /* 0 to 1 */
    bool is_subtree, is_whole;
};

/** The share of a network's score that whatever lies inside inherits, above 0 and at most 1. */
double tip_inherit_net(const struct tip_prefix *net, bool is_whole);

/**
 * The share of a verdict's score that an indicator inherits; the score itself does not matter.
 *
 * @param value  canonical, NUL-terminated
 * @return 0 to 1; 0 when it has nothing to do with it, 1 for its own
 */
double tip_inherit_share(const struct tip_inherit_verdict *from, enum tip_kind kind, const char *value);

/** The strongest; of equal ones its own, else the one that lies closest. */
struct tip_inherited {
    double score; /* 0 to 1; 0: of none */
    double share; /* of the score of the verdict that it is from */
    size_t from;  /* number of that verdict; n: none */
    bool is_own;
};

/** @param verdicts  in any order; those that have nothing to do with it do no harm */
struct tip_inherited tip_inherit(const struct tip_inherit_verdict *verdicts, size_t n, enum tip_kind kind,
                                 const char *value);
