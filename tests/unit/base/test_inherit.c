#include "check.h"
#include "random.h"

#include <math.h>
#include <stdio.h>

#include <tip/inherit.h>
#include <tip/ranges.h>

static void check_near(double is, double wanted)
{
    if (fabs(is - wanted) > 1e-12)
        fail_msg("%.15g, wanted %.15g", is, wanted);
}

static void test_inherit_shares(void **state)
{
    static const struct {
        struct tip_inherit_verdict from;
        enum tip_kind kind;
        const char *value;
        double share;
    } rows[] = {
        {{TIP_KIND_IP, "192.0.2.1", 1, false, false}, TIP_KIND_IP, "192.0.2.1", 1},
        {{TIP_KIND_IP, "192.0.2.1", 1, false, false}, TIP_KIND_IP, "192.0.2.2", 0},
        {{TIP_KIND_NET, "192.0.2.0/24", 1, false, false}, TIP_KIND_IP, "192.0.2.1", 1},
        {{TIP_KIND_NET, "192.0.2.0/24", 1, false, false}, TIP_KIND_IP, "192.0.3.1", 0},
        {{TIP_KIND_NET, "192.0.2.0/30", 1, false, false}, TIP_KIND_IP, "192.0.2.1", 1},
        {{TIP_KIND_NET, "192.0.0.0/16", 1, false, false}, TIP_KIND_IP, "192.0.2.1", 0.5},
        {{TIP_KIND_NET, "192.0.0.0/16", 1, false, true}, TIP_KIND_IP, "192.0.2.1", 1},
        {{TIP_KIND_NET, "192.0.0.0/16", 1, true, false}, TIP_KIND_IP, "192.0.2.1", 0.5},
        {{TIP_KIND_NET, "192.0.0.0/8", 1, false, false}, TIP_KIND_IP, "192.0.2.1", 0.25},
        {{TIP_KIND_NET, "0.0.0.0/0", 1, false, false}, TIP_KIND_IP, "192.0.2.1", 0.125},
        {{TIP_KIND_NET, "192.0.0.0/16", 1, false, false}, TIP_KIND_NET, "192.0.2.0/23", 0.5},
        {{TIP_KIND_NET, "192.0.0.0/16", 1, false, false}, TIP_KIND_NET, "192.0.0.0/16", 1},
        {{TIP_KIND_NET, "192.0.2.0/23", 1, false, true}, TIP_KIND_NET, "192.0.0.0/16", 0},
        {{TIP_KIND_NET, "192.0.0.0/16", 1, false, true}, TIP_KIND_ENDPOINT, "192.0.2.1:25", 0},
        {{TIP_KIND_NET, "192.0.0.0/16", 1, false, true}, TIP_KIND_IP, "2001:db8::1", 0},
        {{TIP_KIND_NET, "2001:db8::/64", 1, false, false}, TIP_KIND_IP, "2001:db8::1", 1},
        {{TIP_KIND_NET, "2001:db8::/96", 1, false, false}, TIP_KIND_IP, "2001:db8::1", 1},
        {{TIP_KIND_NET, "2001:db8::/56", 1, false, false}, TIP_KIND_IP, "2001:db8::1", 1},
        {{TIP_KIND_NET, "2001:db8::/48", 1, false, false}, TIP_KIND_IP, "2001:db8::1", 0.5},
        {{TIP_KIND_NET, "2001:db8::/32", 1, false, false}, TIP_KIND_IP, "2001:db8::1", 0.125},
        {{TIP_KIND_NET, "2001:db8::/32", 1, false, true}, TIP_KIND_NET, "2001:db8:1::/48", 1},
        {{TIP_KIND_DOMAIN, "a.example", 1, true, false}, TIP_KIND_DOMAIN, "a.example", 1},
        {{TIP_KIND_DOMAIN, "a.example", 1, false, false}, TIP_KIND_DOMAIN, "a.example", 1},
        {{TIP_KIND_DOMAIN, "a.example", 1, true, false}, TIP_KIND_DOMAIN, "x.y.a.example", 1},
        {{TIP_KIND_DOMAIN, "a.example", 1, false, true}, TIP_KIND_DOMAIN, "x.a.example", 0},
        {{TIP_KIND_DOMAIN, "a.example", 1, true, false}, TIP_KIND_DOMAIN, "aa.example", 0},
        {{TIP_KIND_DOMAIN, "x.a.example", 1, true, false}, TIP_KIND_DOMAIN, "a.example", 0},
        {{TIP_KIND_DOMAIN, "a.example", 1, true, false}, TIP_KIND_URL, "http://a.example/", 0},
        {{TIP_KIND_DOMAIN, "a.example", 1, true, false}, TIP_KIND_EMAIL_DOMAIN, "@a.example", 0},
        {{TIP_KIND_EMAIL_DOMAIN, "@a.example", 1, true, false}, TIP_KIND_EMAIL_DOMAIN, "@a.example", 1},
        {{TIP_KIND_EMAIL_DOMAIN, "@a.example", 1, true, false}, TIP_KIND_EMAIL_DOMAIN, "@x.a.example", 0},
        {{TIP_KIND_URL, "http://a.example/", 1, true, true}, TIP_KIND_URL, "http://a.example/x", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        check_near(tip_inherit_share(&rows[i].from, rows[i].kind, rows[i].value), rows[i].share);
    }
}

static void test_inherit_takes_the_strongest(void **state)
{
    static const struct tip_inherit_verdict verdicts[] = {
        {TIP_KIND_NET, "192.0.0.0/16", 0.8, false, false}, {TIP_KIND_NET, "192.0.2.0/23", 0.4, false, true},
        {TIP_KIND_NET, "192.0.2.0/24", 0.4, false, false}, {TIP_KIND_IP, "192.0.2.1", 0.4, false, false},
        {TIP_KIND_IP, "192.0.2.2", 0.3, false, false},     {TIP_KIND_NET, "192.0.3.0/24", 0.9, false, true},
        {TIP_KIND_NET, "10.0.0.0/8", 0, false, true},
    };
    enum { N = sizeof(verdicts) / sizeof(*verdicts) };
    static const struct {
        enum tip_kind kind;
        const char *value;
        struct tip_inherited is;
    } rows[] = {
        {TIP_KIND_IP, "192.0.2.1", {0.4, 1, 3, true}},  /* four alike: its own */
        {TIP_KIND_IP, "192.0.2.2", {0.4, 1, 2, false}}, /* its own is less; of three alike the closest */
        {TIP_KIND_IP, "192.0.3.9", {0.9, 1, 5, false}},    {TIP_KIND_IP, "192.0.9.9", {0.4, 0.5, 0, false}},
        {TIP_KIND_NET, "192.0.0.0/16", {0.8, 1, 0, true}}, {TIP_KIND_IP, "198.51.100.1", {0, 0, N, false}},
        {TIP_KIND_IP, "10.0.0.1", {0, 0, N, false}},       {TIP_KIND_DOMAIN, "a.example", {0, 0, N, false}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct tip_inherited is = tip_inherit(verdicts, N, rows[i].kind, rows[i].value);

        check_near(is.score, rows[i].is.score);
        check_near(is.share, rows[i].is.share);
        assert_int_equal(is.from, rows[i].is.from);
        assert_int_equal(is.is_own, rows[i].is.is_own);
    }
}

/* ---- random networks, and the formula once more: by counting, on numbers ---- */

enum { MODEL_NETS = 40, MODEL_TURNS = 3000, MODEL_TEXT = 64 };

typedef tip_u128 model_bits;

static uint64_t model_seed;

static uint64_t model_below(uint64_t n)
{
    return test_random(&model_seed) % n;
}

struct model_net {
    bool is_v4, is_whole;
    model_bits base;
    unsigned len, bits;
    double score;
    char text[MODEL_TEXT];
};

static struct tip_addr model_addr(bool is_v4, model_bits number)
{
    uint8_t bytes[16];
    unsigned n = is_v4 ? 4 : 16;

    for (unsigned i = 0; i < n; i++)
        bytes[i] = (uint8_t)(number >> (8 * (n - 1 - i)));
    return tip_addr_from_bytes(bytes, n);
}

/* Few bits differ, so that they lie within each other. */
static model_bits model_number(bool is_v4)
{
    model_bits high = is_v4 ? 0 : ((model_bits)0x20010db8 << 96);
    model_bits number = is_v4 ? (model_bits)model_below(4) << 30 : high | (model_bits)model_below(4) << 62;

    for (unsigned at = 0; at < (is_v4 ? 30u : 60u); at += 3)
        number |= (model_bits)(model_below(8) == 0) << at;
    return number;
}

static void model_fill(struct model_net *net, bool is_host)
{
    struct tip_prefix prefix;

    *net = (struct model_net){.is_v4 = model_below(2) == 0, .is_whole = model_below(5) == 0};
    net->bits = net->is_v4 ? 32 : 128;
    net->len = is_host ? net->bits : (unsigned)model_below(net->bits);
    net->base = model_number(net->is_v4);
    if (net->len < net->bits)
        net->base = net->len ? net->base >> (net->bits - net->len) << (net->bits - net->len) : 0;
    net->score = (double)model_below(1000) / 1000;
    prefix = (struct tip_prefix){.addr = model_addr(net->is_v4, net->base), .len = (uint8_t)net->len};
    if (net->len == net->bits)
        (void)tip_addr_format(&prefix.addr, net->text);
    else
        (void)tip_prefix_format(&prefix, net->text);
}

static bool model_holds(const struct model_net *net, const struct model_net *of)
{
    unsigned shift = net->bits - net->len;

    if (net->is_v4 != of->is_v4 || net->len > of->len)
        return false;
    return shift >= net->bits || net->base >> shift == of->base >> shift;
}

/* Blocks of 256 hosts, counted; the eighth root of their number. */
static double model_share(const struct model_net *net)
{
    double blocks = 1; /* of 256 hosts */

    for (unsigned len = net->is_v4 ? 24 : 56; len > net->len; len--)
        blocks *= 2;
    return net->is_whole ? 1 : 1 / sqrt(sqrt(sqrt(blocks)));
}

static void test_inherit_random(void **state)
{
    (void)state;
    model_seed = test_seed();
    for (int turn = 0; turn < MODEL_TURNS; turn++) {
        struct model_net nets[MODEL_NETS], of;
        struct tip_inherit_verdict verdicts[MODEL_NETS];
        struct tip_inherited is;
        double most = 0;

        model_fill(&of, model_below(2) == 0);
        for (size_t i = 0; i < MODEL_NETS; i++) {
            double score;

            model_fill(&nets[i], model_below(4) == 0);
            verdicts[i] = (struct tip_inherit_verdict){
                .kind = nets[i].len == nets[i].bits ? TIP_KIND_IP : TIP_KIND_NET,
                .value = nets[i].text,
                .score = nets[i].score,
                .is_whole = nets[i].is_whole,
            };
            score =
                model_holds(&nets[i], &of) ? nets[i].score * (nets[i].len == of.len ? 1 : model_share(&nets[i])) : 0;
            most = score > most ? score : most;
        }
        is = tip_inherit(verdicts, MODEL_NETS, of.len == of.bits ? TIP_KIND_IP : TIP_KIND_NET, of.text);
        check_near(is.score, most);
        if (most > 0)
            assert_true(model_holds(&nets[is.from], &of));
        else
            assert_int_equal(is.from, MODEL_NETS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_inherit_shares),
        cmocka_unit_test(test_inherit_takes_the_strongest),
        cmocka_unit_test(test_inherit_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
